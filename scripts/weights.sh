#!/usr/bin/env bash
# Puts CHECKPOINT onto ONTO, a converted network, or a converted network's weights (MODEL) onto one that others wrote.
#   ONTO=output/<model>/converted_pytorch.py | timm:NAME | file.py:factory | package.module:factory
SOURCE=${CHECKPOINT:-}
if [ -n "$SOURCE" ] && ! (set -- "$SOURCE"* && [ -e "$1" ]); then echo "tf2torch: CHECKPOINT=$SOURCE is not there." >&2 && exit 3; fi
source "$(dirname "$0")/lib.sh"
export ENGINE=native # the other one has no part in it
choose_runtime
: "${ONTO:=}"
ONTO=${ONTO#"$PWD"/}
if [ "$RUNTIME" = docker ] && [[ $ONTO == /* || $ONTO == ../* ]]; then
  die "$EXIT_USAGE" "ONTO=$ONTO: the containers see what is below output/ and models/. Put it there, or take RUNTIME=local."
fi
prepare
[ -z "$SOURCE" ] || run export weights --onto "$ONTO" --side tensorflow
run codegen weights --onto "$ONTO" --side pytorch
