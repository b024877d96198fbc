#!/usr/bin/env bash
# What a better word table buys: starts, moves and second inputs compared, in results/tables.
# Usage: bash reproduce/tables.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW]
#        [--text TEXT] [--dry-run]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" tables runner.py tables "$@"
