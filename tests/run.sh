#!/usr/bin/env bash
# Set up, then check style and types, then run the tests; arguments go to pytest.
#
#   bash tests/run.sh [PYTEST-ARGUMENT...]
#
# The tests run whatever the checks say, and pytest's closing line is the last one printed;
# the exit status is 0 only when all three are content.
set -euo pipefail
unset CDPATH

script=${BASH_SOURCE[0]}
[[ $script == */* ]] || script=./$script
cd "${script%/*}/.."

bash reproduce/setup.sh --extras test
bin=$PWD/.venv/bin
status=0
"$bin/ruff" check . || status=1
"$bin/mypy" || status=1
# Tests side by side, a thread each: their nets are small, and sums then come out in the same order everywhere.
OMP_NUM_THREADS=1 "$bin/python" -m pytest -q -n "$(nproc)" --dist loadfile "$@" || status=1
exit "$status"
