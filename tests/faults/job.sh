#!/usr/bin/env bash
# All stages one after the other, in the folder that is named: what test_kills.py kills and starts again.
#
#   bash tests/faults/job.sh PYTHON FOLDER
set -euo pipefail

lightrnn() { "$PYTHON" -c 'from lightrnn_gluon.cli import main; main()' "$@"; }

PYTHON=$1
cd "$2"
lightrnn prepare --data data --out out/corpus
for row in kn lightrnn lightrnn+ kn+lightrnn; do
  lightrnn train "configs/$row.yaml" --corpus out/corpus --out "out/runs/$row"
done
lightrnn evaluate out/runs/kn+lightrnn --text data/test.txt --json
lightrnn report out
