#!/usr/bin/env bash
# Converts a model with both engines, whatever becomes of each, and shows them side by side.
#   compare.sh [--json]
source "$(dirname "$0")/lib.sh"
prepare
for ENGINE in native mmdnn; do
  export ENGINE
  [ "$ENGINE" = native ] || export PROOF=0 BISECT=0 AUX_LOGITS=0 FORMATS= # which only the other engine has
  say "== $ENGINE"
  code=0
  scripts/convert.sh >&2 || code=$?
  # 4 and 5 are results: the engine cannot express the network, or computes something else.
  case $code in 0 | 4 | 5) ;; *) exit "$code" ;; esac
done
ENGINE=native run codegen compare "$@"
