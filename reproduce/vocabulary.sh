#!/usr/bin/env bash
# LightRNN, HSM and the full softmax at vocabularies from 5,000 words to all of the text's.
# Usage: bash reproduce/vocabulary.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW]
#        [--text TEXT] [--dry-run]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" vocabulary runner.py vocabulary "$@"
