#!/usr/bin/env bash
# Penn Treebank, on which baselines have known figures: set-up, every row, report.
# Usage: bash reproduce/ptb.sh --data DIR [--out DIR] [--scale tiny|cpu|paper] [--only ROW] [--dry-run]
# DIR has ptb.train.txt, ptb.valid.txt and ptb.test.txt (or train.txt, valid.txt and test.txt).
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" ptb runner.py ptb "$@"
