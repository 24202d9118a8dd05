#!/usr/bin/env bash
# Makes or updates the virtual environment that RUNTIME=local and the tests use, from the images' pinned requirements.
#   venv.sh [--test]      --test adds what the tests need
source "$(dirname "$0")/lib.sh"
requirements=(docker/tensorflow.requirements.txt docker/pytorch.requirements.txt)
[ "${1:-}" != --test ] || requirements+=(docker/test.requirements.txt)

has_nvidia() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q .; }
index=${TORCH_INDEX_URL-}
if [ -z "${TORCH_INDEX_URL+set}" ] && { [ "${GPU:-auto}" = 0 ] || ! has_nvidia; }; then
  index=https://download.pytorch.org/whl/cpu
fi

stamp=$(cat "${requirements[@]}" docker/install-torch.sh | sha256sum | cut -c 1-16)-${index:-default}
finished=("$VENV/.stamp-test")
[ "${1:-}" = --test ] || finished+=("$VENV/.stamp")
for file in "${finished[@]}"; do
  [ "$(cat "$file" 2>/dev/null)" != "$stamp" ] || exit 0
done

suits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; }
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13}; do
    if suits "$candidate"; then command -v "$candidate" && return; fi
  done
  die "$EXIT_MACHINE" "No Python 3.11, 3.12 or 3.13 with venv was found${PYTHON:+ (PYTHON=$PYTHON)}. Install one (on Debian and Ubuntu: python3-venv), name it with PYTHON=, or install Docker."
}
python=$(find_python)

install() { # MESSAGE COMMAND...: one line while it runs, the log only if it fails
  local log message=$1 start=$SECONDS
  shift
  log=$(mktemp)
  say "$message ..."
  if ! "$@" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    die "$EXIT_MACHINE" "The virtual environment could not be made: see above. \`make doctor\` checks the machine."
  fi
  rm -f "$log"
  say "$message: done in $((SECONDS - start)) s"
}

suits "$VENV/bin/python" || { rm -rf "$VENV" && install "Making $VENV with $python" "$python" -m venv "$VENV"; }
export PYTHON=$VENV/bin/python PIP_DISABLE_PIP_VERSION_CHECK=1
pip() { "$PYTHON" -m pip "$@"; }
install_torch() { # the CPU wheels where they can be had, those of pip's default index where not
  bash docker/install-torch.sh docker/pytorch.requirements.txt docker/wheels "$index" ||
    { [ -n "$index" ] && [ -z "${TORCH_INDEX_URL+set}" ] && bash docker/install-torch.sh docker/pytorch.requirements.txt docker/wheels; }
}
install "Installing PyTorch" install_torch
install "Installing TensorFlow and the rest" pip install --find-links docker/wheels "${requirements[@]/#/--requirement=}"
echo "$stamp" >"${finished[-1]}"
