#!/usr/bin/env bash
# The paper's tables on Spanish, French, English, Czech, German and Russian: set-up, texts, every row, report.
# Usage: bash reproduce/aclw.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW]
#        [--text TEXT] [--dry-run]
# DIR has a folder for each language, es fr en cs de ru (or some of them), with train.txt, valid.txt and
# test.txt; without it the texts are stand-ins.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" aclw runner.py aclw "$@"
