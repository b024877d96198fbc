#!/usr/bin/env bash
# What refining the word table buys, round by round: LightRNN with 0 to 5 rounds, three seeds each.
# Usage: bash reproduce/refinement.sh [--data DIR] [--out DIR] [--scale tiny|cpu|paper] [--only ROW] [--dry-run]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" refinement runner.py refinement "$@"
