#!/usr/bin/env bash
# From real text to the paper's tables on BillionW: set-up, corpus, every row, report.
# Usage: bash reproduce/billionw.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW] [--dry-run]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
echo "billionw: set-up (some minutes the first time), then the plan, every row, and the tables"

# Set-up runs in a process group of its own, so that a signal can end all that it has started.
set -m
bash "$root/reproduce/setup.sh" </dev/null &
setup=$!
set +m
stop() {
  kill -TERM -- "-$setup" 2>/dev/null || true
  wait "$setup" || true
  echo "billionw: stopped; the same command goes on" >&2
  exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM
wait "$setup"
trap - INT TERM

exec "$root/.venv/bin/python" "$root/reproduce/runner.py" billionw "$@"
