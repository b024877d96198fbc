#!/usr/bin/env bash
# One net trained by several workers, here all on this machine; and what to run on each host of a cluster.
# Usage: bash reproduce/distributed.sh -n WORKERS [--servers SERVERS] [--print] [ARGUMENT of lightrnn train...]
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/start.sh" distributed distributed.py "$@"
