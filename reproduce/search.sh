#!/usr/bin/env bash
# Each network row's best learning rate from the grid in configs/search.yaml, by validation perplexity.
# Usage: bash reproduce/search.sh billionw|aclw|ptb [--data DIR] [--out DIR] [--only ROW] [--dry-run]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" search search.py "$@"
