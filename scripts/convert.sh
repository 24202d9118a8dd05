#!/usr/bin/env bash
# Takes one model through every stage, each where its framework is. What is finished and unchanged is skipped.
source "$(dirname "$0")/lib.sh"
prepare
# Without `run fetch` for random weights: that stage has nothing to do.
[ "${WEIGHTS:-pretrained}" = random ] || stage fetch
for name in export codegen build evaluate; do
  stage "$name"
done
