#!/usr/bin/env bash
# How far parameters carry: LightRNN, LightRNN+, HSM and the full softmax at four sizes, in results/sizes.
# Usage: bash reproduce/sizes.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW]
#        [--text TEXT] [--dry-run]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" sizes runner.py sizes "$@"
