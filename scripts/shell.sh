#!/usr/bin/env bash
# A shell with one side's framework.
#   shell.sh tensorflow|pytorch
source "$(dirname "$0")/lib.sh"
prepare
if [ "$RUNTIME" = local ]; then
  say "Python, TensorFlow and PyTorch of $VENV are first on PATH. Leave with Ctrl-D."
  PATH="$VENV_PATH:$PATH" PYTHONPATH=$PWD/src exec "${SHELL:-bash}"
fi
exec docker compose --profile tools run --rm --no-deps "shell-$1"
