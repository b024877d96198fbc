#!/usr/bin/env bash
# What a better matching buys in training: the paper's procedure by each method of allocation, three seeds each.
# Usage: bash reproduce/allocation.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW] [--dry-run]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" allocation runner.py allocation "$@"
