#!/usr/bin/env bash
# From real text to the paper's tables on BillionW: set-up, corpus, every row, report.
# Usage: bash reproduce/billionw.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW] [--dry-run]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" billionw runner.py billionw "$@"
