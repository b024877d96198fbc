#!/usr/bin/env bash
# From real text to the paper's tables on BillionW: set-up, corpus, every row, report.
# Usage: bash reproduce/billionw.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW] [--dry-run]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/reproduce/setup.sh"
exec "$root/.venv/bin/python" "$root/reproduce/runner.py" billionw "$@"
