#!/usr/bin/env bash
# Build the KenLM tools lmplz, build_binary and query and install them into PREFIX/bin.
#
#   bash reproduce/kenlm.sh PREFIX        (in a conda environment: "$CONDA_PREFIX")
#
# `pip install kenlm` gives queries only, but its source package holds the estimation tools too.
# CMake and Boost come from the package index, so neither root nor a system package is needed:
# only gcc, g++, make and PREFIX/bin/python with pip, setuptools and wheel.
# Nothing is done where all three tools are there and work.
set -euo pipefail
unset CDPATH

script=${BASH_SOURCE[0]}
[[ $script == */* ]] || script=./$script
HERE=$(cd "${script%/*}" && pwd -P)
readonly HERE
readonly TOOLS=(lmplz build_binary query)

say() { printf 'kenlm: %s\n' "$*"; }

die() { # status message
  printf 'kenlm: %s\n' "$2" >&2
  exit "$1"
}

# Whether the tools in the folder $1 can estimate a model, pack it and ask it.
tools_work() {
  local bin=$1 tool scratch status=0
  for tool in "${TOOLS[@]}"; do
    [[ -x $bin/$tool ]] || return 1
  done
  scratch=$(mktemp -d)
  {
    printf 'a b c\na c b\nb a\n' |
      "$bin/lmplz" -o 2 -S 64M -T "$scratch" --discount_fallback >"$scratch/model.arpa" &&
      "$bin/build_binary" "$scratch/model.arpa" "$scratch/model.bin" &&
      printf 'a b\n' | "$bin/query" "$scratch/model.bin"
  } >/dev/null 2>&1 || status=1
  rm -rf "$scratch"
  return "$status"
}

# Run one step with its output kept in the log. It is no condition of an `if`, which would switch
# `set -e` off inside it: when it fails the shell ends, and `finish` says why.
step() { # message command...
  STEP=$1
  shift
  say "$STEP"
  STEP_START=0
  [[ ! -f $LOG ]] || STEP_START=$(wc -l <"$LOG")
  "$@" >>"$LOG" 2>&1 </dev/null
  STEP=
}

# The end of this script, good or bad. Descriptor 3 is the terminal's: that of the step is the log.
finish() {
  local status=$?
  if ((status)) && [[ -n $STEP ]]; then
    tail -n "+$((STEP_START + 1))" "$LOG" | grep -v '^WARNING: Location' | tail -n 15 >&3 || true
    printf 'kenlm: failed while %s\n' "$STEP" >&3
  fi
  rm -rf "$BUILD"
}

fetch() {
  local pip=("$PREFIX/bin/python" -m pip)
  cd "$BUILD" # where pip download leaves the source
  # --no-binary kenlm and not :all:, which would build CMake from source as well.
  local pinned=(--require-hashes -c "$HERE/requirements/lock.txt")
  "${pip[@]}" download --progress-bar off --no-deps --no-build-isolation --no-binary kenlm \
    "${pinned[@]}" kenlm
  "${pip[@]}" install --progress-bar off --no-deps --target tools "${pinned[@]}" cmake cmeel-boost
  mkdir source
  tar -xzf kenlm-*.tar.gz -C source --strip-components=1
}

compile() {
  # The old kind of run path also serves the libraries that Boost's own libraries load; relative to
  # the tool, it stays right wherever PREFIX is.
  # shellcheck disable=SC2016  # $ORIGIN is for the loader
  "$BUILD/tools/cmake/data/bin/cmake" -S "$BUILD/source" -B "$BUILD/objects" \
    -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5 \
    -DCMAKE_PREFIX_PATH="$BUILD/tools/cmeel.prefix" \
    -DBoost_NO_SYSTEM_PATHS=ON \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
    -DCMAKE_INSTALL_RPATH='$ORIGIN/../lib/kenlm-boost' \
    -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags
  make -C "$BUILD/objects" -j "$(getconf _NPROCESSORS_ONLN)" "${TOOLS[@]}"
}

# Lay the tools and the few Boost libraries that they load out as they will be in PREFIX.
stage() {
  local boost=$BUILD/tools/cmeel.prefix/lib tool name path
  mkdir -p "$BUILD/stage/bin" "$BUILD/stage/lib/kenlm-boost"
  for tool in "${TOOLS[@]}"; do
    cp "$BUILD/objects/bin/$tool" "$BUILD/stage/bin/"
    while read -r name _ path _; do
      [[ $path == "$boost"/* ]] || continue
      cp -L "$path" "$BUILD/stage/lib/kenlm-boost/$name"
    done < <(LD_LIBRARY_PATH=$boost ldd "$BUILD/objects/bin/$tool")
  done
  tools_work "$BUILD/stage/bin"
}

# The stage lies in PREFIX, so every mv is a rename: a file is never there in part. The libraries go
# first, so that a tool that is there finds them.
install_stage() {
  mkdir -p "$PREFIX/bin" "$PREFIX/lib/kenlm-boost"
  mv -f "$BUILD"/stage/lib/kenlm-boost/* "$PREFIX/lib/kenlm-boost/"
  mv -f "$BUILD"/stage/bin/* "$PREFIX/bin/"
}

main() {
  local tool
  [[ $# == 1 && $1 != -* ]] || die 2 "usage: bash reproduce/kenlm.sh PREFIX"
  [[ -x $1/bin/python ]] || die 2 "there is no $1/bin/python: name the folder of an environment"
  PREFIX=$(cd "$1" && pwd -P)
  if tools_work "$PREFIX/bin"; then
    say "the tools are there already"
    return
  fi
  for tool in gcc g++ make; do
    command -v "$tool" >/dev/null || die 2 "$tool is not on PATH: install it and run this again"
  done

  BUILD=$PREFIX/build-kenlm
  rm -rf "$BUILD"
  mkdir "$BUILD"
  LOG=${KENLM_LOG:-$BUILD/log}
  STEP=
  exec 3>&2
  trap finish EXIT
  step "fetching the source, CMake and Boost" fetch
  step "compiling lmplz, build_binary and query (a minute or two)" compile
  step "trying them" stage
  install_stage
  say "installed into $PREFIX/bin"
}

main "$@"
