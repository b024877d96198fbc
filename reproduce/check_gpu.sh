#!/usr/bin/env bash
# What of the way to a GPU can be tried without one: set-up installs MXNet for CUDA with its libraries, which
# imports, and with it the package makes the net of the paper's scale. In a folder of its own, 5 GB, gone afterwards.
#
#   bash reproduce/check_gpu.sh
set -euo pipefail
unset CDPATH

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly ROOT
SCRATCH=$(mktemp -d)
readonly SCRATCH
trap 'rm -rf "$SCRATCH"' EXIT

mkdir "$SCRATCH/bin" "$SCRATCH/driver"
git -C "$ROOT" archive HEAD | tar -x -C "$SCRATCH"
# Set-up takes the word of the driver's own program for it that there is a GPU.
printf '#!/bin/sh\necho "GPU 0: none, only said to be"\n' >"$SCRATCH/bin/nvidia-smi"
chmod +x "$SCRATCH/bin/nvidia-smi"

# Stands for the driver's library: every function that MXNet's asks for is there, and says that there is no device.
stand_in_driver() { # library of MXNet
  local no_device=100
  nm -D --undefined-only "$1" | grep -oE '\bcu[A-Z][A-Za-z0-9]*(_v[0-9]+)?$' | sort -u |
    sed "s/.*/int &(void) { return $no_device; }/" >"$SCRATCH/driver/cuda.c"
  gcc -shared -fPIC -o "$SCRATCH/driver/libcuda.so.1" "$SCRATCH/driver/cuda.c"
}

# The last thing that set-up does is to try the imports, for which the driver is not there yet.
export PATH=$SCRATCH/bin:$PATH
echo "setting up in $SCRATCH (some minutes), as far as the imports"
bash "$SCRATCH/reproduce/setup.sh" >/dev/null 2>&1 || true
stand_in_driver "$(echo "$SCRATCH"/.venv/lib/python3.*/site-packages/mxnet/libmxnet.so)"
export LD_LIBRARY_PATH=$SCRATCH/driver
bash "$SCRATCH/reproduce/setup.sh"
"$SCRATCH/.venv/bin/python" - <<'PYTHON'
import mxnet as mx

features = mx.runtime.Features()
assert features.is_enabled("CUDA") and features.is_enabled("CUDNN"), "this is no MXNet for a GPU"
print("MXNet", mx.__version__, "with CUDA and cuDNN imports; GPUs:", mx.context.num_gpus())
PYTHON
bash "$SCRATCH/reproduce/billionw.sh" --dry-run --scale paper
