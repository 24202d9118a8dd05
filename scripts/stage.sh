#!/usr/bin/env bash
# Runs one stage of one model, or another command of the command line.
#   stage.sh SERVICE [ARGUMENT...]     without arguments: the stage of that name
source "$(dirname "$0")/lib.sh"
prepare
if [ $# -eq 1 ]; then stage "$1"; else run "$@"; fi
