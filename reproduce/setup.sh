#!/usr/bin/env bash
# Make .venv at the root of the repository: pinned Python packages, this package in editable form,
# MXNet for the GPU where nvidia-smi lists one and for the CPU elsewhere, and the KenLM tools.
#
#   bash reproduce/setup.sh [--extras test]
#
# Needs Python 3.10 or 3.11 (another than the first found: PYTHON=/path/to/python), gcc, g++ and make.
# Run it as often as you like: what is done is left alone, what was interrupted is repaired.
set -euo pipefail
unset CDPATH PYTHONHOME PYTHONPATH
trap 'exit 130' INT
trap 'exit 143' TERM
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

# Shell builtins only as far as the choice of Python: this must say what is missing on any PATH.
script=${BASH_SOURCE[0]}
[[ $script == */* ]] || script=./$script
ROOT=$(cd "${script%/*}/.." && pwd -P)
readonly ROOT
readonly VENV=$ROOT/.venv
readonly LOG=$VENV/setup.log
readonly LOCK=$ROOT/reproduce/requirements/lock.txt
# Says what the environment holds; written last, so that it is there only when all went well.
readonly STAMP=$VENV/setup.stamp
# There while packages are being installed: pip takes a half-copied package for an installed one,
# so such an environment is made anew.
readonly UNFINISHED=$VENV/setup.unfinished
readonly PYTHONS=(python3.11 python3.10 python3 python)

say() { printf 'set-up: %s\n' "$*"; }

die() { # status message
  printf 'set-up: %s\n' "$2" >&2
  exit "$1"
}

parse_arguments() {
  EXTRAS=
  while (($#)); do
    case $1 in
      --extras)
        (($# > 1)) || die 2 "--extras needs a value: test"
        EXTRAS=$2
        shift 2
        ;;
      --extras=*)
        EXTRAS=${1#*=}
        shift
        ;;
      *) die 2 "$1 is not an option; usage: bash reproduce/setup.sh [--extras test]" ;;
    esac
  done
  [[ -z $EXTRAS || $EXTRAS == test ]] || die 2 "there are no extras '$EXTRAS': only test can be asked for"
}

# The extra of this machine: cu112 where the driver lists a GPU.
find_device() {
  local gpus
  DEVICE=cpu
  if gpus=$(nvidia-smi -L 2>/dev/null) && [[ $gpus == *GPU* ]]; then
    DEVICE=cu112
  fi
}

# A hash of all that decides what the environment holds, the extras aside.
fingerprint() {
  "$VENV/bin/python" -I -c '
import hashlib, sys
digest = hashlib.sha256(repr((sys.version, sys.argv[1])).encode())
for path in sys.argv[2:]:
    with open(path, "rb") as stream:
        digest.update(hashlib.sha256(stream.read()).digest())
print(digest.hexdigest())
' "$DEVICE $ROOT" "$ROOT/setup.py" "$LOCK" "$ROOT/reproduce/setup.sh" "$ROOT/reproduce/kenlm.sh"
}

# Whether a whole environment with these extras is there.
is_done() {
  local hash=- extras=- tool
  [[ -f $STAMP ]] || return 1
  read -r hash extras <"$STAMP" || true
  # An environment that has the test tools serves those who do not ask for them.
  [[ -z $EXTRAS || $extras == *",$EXTRAS,"* ]] || return 1
  for tool in lmplz build_binary query; do
    [[ -x $VENV/bin/$tool ]] || return 1
  done
  [[ $hash == "$(fingerprint 2>/dev/null)" ]]
}

# Print the version of the Python $1, the interpreter behind it (behind a virtual environment's
# python too, since that environment may be the one to go) and what it lacks; fail if it does not run.
probe_python() {
  "$1" -c '
import os, sys, sysconfig
lacks = ""
try:
    import ensurepip, venv
except ImportError:
    lacks = "no venv module"
if not lacks and not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    lacks = "no Python.h"
base = getattr(sys, "_base_executable", None) or sys.executable
print("%d.%d|%s|%s" % (sys.version_info[0], sys.version_info[1], base, lacks))
' 2>/dev/null </dev/null
}

# Find a Python that runs and is 3.10 or 3.11; a name on PATH is not enough, since the stubs of
# version managers are there for versions that are not.
choose_python() {
  local candidates=("${PYTHONS[@]}") candidate answer version base lacks found=
  [[ -z ${PYTHON:-} ]] || candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    command -v "$candidate" >/dev/null || continue
    if ! answer=$(probe_python "$candidate"); then
      found+=", $candidate (does not run)"
      continue
    fi
    IFS='|' read -r version base lacks <<<"$answer"
    [[ ! $answer =~ ([0-9]+\.[0-9]+) ]] || version=${BASH_REMATCH[1]}
    if [[ $version != 3.1[01] ]]; then
      found+=", $candidate (${version:-of no known version})"
    elif [[ -n $lacks ]]; then
      found+=", $candidate ($version, $lacks: install python$version-venv and python$version-dev)"
    elif [[ -x $base ]]; then
      BASE_PYTHON=$base
      BASE_VERSION=$version
      return
    else
      found+=", $candidate (cannot be used)"
    fi
  done
  found=${found#, }
  [[ -n $found || -z ${PYTHON:-} ]] || found="no program $PYTHON"
  die 2 "Python 3.10 or 3.11 is needed, found: ${found:-no Python at all}; install one, or name it: PYTHON=/path/to/python3.11 bash reproduce/setup.sh"
}

check_compilers() {
  local tool missing=
  for tool in gcc g++ make; do
    command -v "$tool" >/dev/null || missing+=", $tool"
  done
  [[ -z $missing ]] ||
    die 2 "not on PATH: ${missing#, }; install a C/C++ compiler and make (Debian: build-essential), then run this again"
}

# Print why the environment that is there cannot be used; nothing where it can.
fault_of_venv() {
  local answer version other=mxnet_cu112
  [[ $DEVICE == cpu ]] || other=mxnet
  if [[ -f $UNFINISHED ]]; then
    echo "was left unfinished"
  elif ! answer=$(probe_python "$VENV/bin/python"); then
    echo "has no Python that runs"
  elif version=${answer%%|*} && [[ $version != 3.1[01] ]]; then
    echo "has Python $version"
  elif [[ -n ${PYTHON:-} && $version != "$BASE_VERSION" ]]; then
    echo "has Python $version, not $BASE_VERSION"
  elif ! grep -qsF -- "$VENV" "$VENV/bin/activate"; then
    echo "was made in another place"
  elif compgen -G "$VENV/lib/python*/site-packages/$other-*.dist-info" >/dev/null; then
    # The two MXNet packages fill the same folder, so one is not installed over the other.
    echo "has the MXNet of another device"
  elif ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "has no pip that runs"
  fi
}

# Run one command with its output kept in the log; where it fails show the end of that output.
step() { # message command...
  local message=$1 before=0
  shift
  say "$message"
  [[ ! -f $LOG ]] || before=$(wc -l <"$LOG")
  if ! "$@" >>"$LOG" 2>&1 </dev/null; then
    tail -n "+$((before + 1))" "$LOG" | grep -v '^WARNING: Location' | tail -n 15 >&2 || true
    die 1 "failed: $message (all of the output: $LOG)"
  fi
}

make_venv() {
  local fault=
  if [[ -e $VENV || -L $VENV ]]; then
    fault=$(fault_of_venv)
    [[ -n $fault ]] || return 0
    say "the .venv that is there $fault: making it anew"
    rm -rf "$VENV"
  fi
  mkdir "$VENV"
  : >"$UNFINISHED"
  step "making .venv with Python $BASE_VERSION" "$BASE_PYTHON" -m venv "$VENV"
}

# pip from the folder of the repository, since "-e /some/path[extras]" breaks on unusual paths.
pip_install() {
  cd "$ROOT" && "$VENV/bin/python" -m pip install --progress-bar off "$@"
}

install_packages() {
  local extras=$DEVICE
  [[ -z $EXTRAS ]] || extras+=,$EXTRAS
  : >"$UNFINISHED"
  # gluonnlp and kenlm are built from source against these, hence first, and no isolation below.
  step "installing pip" install_pip
  step "installing the build tools" pip_install --require-hashes -c "$LOCK" setuptools wheel Cython numpy
  step "installing this package" pip_install --no-deps --no-build-isolation -e .
  step "installing the packages [$extras] (some minutes)" install_requirements "$extras"
  [[ $DEVICE == cpu ]] || link_cuda
  rm -f "$UNFINISHED"
}

# By its lines of the lock alone: the pip that comes with Python may know nothing of checksums in constraints.
install_pip() {
  pip_install --require-hashes -r <(sed -n '/^pip==/,/[^\\]$/p' "$LOCK")
}

# What this package says that it needs. By name: pip has no checksum for a folder that is installed.
install_requirements() { # extras
  local names
  # Isolated: `pip install .` leaves an egg-info in this folder, which would be found first, and be of then.
  names=$("$VENV/bin/python" -I -c '
import sys
from importlib.metadata import requires
from pip._vendor.packaging.requirements import Requirement
for requirement in map(Requirement, requires("lightrnn_gluon")):
    if any(requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in sys.argv[1:]):
        print(requirement.name)
' ${1//,/ })
  # shellcheck disable=SC2086  # one word a name
  pip_install --no-build-isolation --require-hashes -c "$LOCK" $names
}

# MXNet looks for libraries in its own folder (its run path is $ORIGIN), so that with links there to
# the CUDA libraries of the nvidia-* packages nobody has to set LD_LIBRARY_PATH.
link_cuda() {
  local site library driver
  site=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  say "linking the CUDA libraries into the folder of MXNet"
  for library in "$site"/nvidia/*/lib/*.so*; do
    ln -sf "../${library#"$site"/}" "$site/mxnet/${library##*/}"
  done
  # cuDNN opens these two by names without a version, and ends the process where they are not found;
  # many drivers come with libcuda.so.1 alone.
  for library in "$site"/mxnet/libnvrtc.so.*; do
    ln -sf "${library##*/}" "$site/mxnet/libnvrtc.so"
  done
  driver=$(find_driver)
  [[ -z $driver ]] || ln -sf "$driver" "$site/mxnet/libcuda.so"
}

# Print where libcuda.so.1 is, if the loader finds it by that name and not as libcuda.so.
find_driver() {
  "$VENV/bin/python" -c '
import ctypes, os
def loads(name):
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
if loads("libcuda.so.1") and not loads("libcuda.so"):
    with open("/proc/self/maps") as stream:
        path = next(line.split(None, 5)[5].rstrip("\n") for line in stream if "/libcuda.so" in line)
    # The name without the version of the driver, which outlives an update.
    plain = os.path.join(os.path.dirname(path), "libcuda.so.1")
    print(plain if os.path.exists(plain) else path)
'
}

check_imports() {
  "$VENV/bin/python" -c 'import gluonnlp, kenlm, mxnet, numba, scipy; mxnet.nd.ones((2, 2)).asnumpy()'
}

# Two set-ups at once would spoil each other's work; the lock is on the folder, so no file is left.
lock() {
  command -v flock >/dev/null || return 0
  exec 9<"$ROOT"
  flock -n 9 && return
  say "waiting for another set-up of this folder to end"
  flock 9 || true # some network file systems know no locks
}

main() {
  parse_arguments "$@"
  find_device
  if is_done; then
    say "already done"
    return
  fi
  choose_python
  check_compilers
  lock
  if is_done; then # by the one that was waited for
    say "already done"
    return
  fi
  # Once installed, the test tools stay, so that they stay at the pinned versions too.
  if [[ -f $STAMP && $(<"$STAMP") == *,test,* ]]; then
    EXTRAS='test'
  fi
  rm -f "$STAMP"
  make_venv
  install_packages
  KENLM_LOG=$LOG bash "$ROOT/reproduce/kenlm.sh" "$VENV" || die 1 "failed: the KenLM tools (all of the output: $LOG)"
  step "trying the imports" check_imports
  printf '%s ,%s,\n' "$(fingerprint)" "$DEVICE,$EXTRAS" >"$STAMP.new"
  mv "$STAMP.new" "$STAMP"
  say "done: .venv with Python $("$VENV/bin/python" -c 'import platform; print(platform.python_version())'), MXNet for $DEVICE"
}

# Sourced (the tests do that) it only defines its functions.
[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
