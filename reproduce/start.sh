#!/usr/bin/env bash
# What the scripts of this folder have in common: set-up, then one of its Python programs.
# Usage: bash reproduce/start.sh NAME PROGRAM [ARGUMENT...]; lines printed here begin with NAME.
set -euo pipefail
unset CDPATH
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
name=$1
program=$2
shift 2
echo "$name: set-up (some minutes the first time), then the plan, every row, and the tables"

# Set-up runs in a process group of its own, so that a signal can end all that it has started.
set -m
bash "$root/reproduce/setup.sh" </dev/null &
setup=$!
set +m
stop() {
  kill -TERM -- "-$setup" 2>/dev/null || true
  wait "$setup" || true
  echo "$name: stopped; the same command goes on" >&2
  exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM
wait "$setup"
trap - INT TERM

exec "$root/.venv/bin/python" "$root/reproduce/$program" "$@"
