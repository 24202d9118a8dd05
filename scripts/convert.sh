#!/usr/bin/env bash
# Takes one model through every stage, each where its framework is. What is finished and unchanged is skipped.
source "$(dirname "$0")/lib.sh"
prepare
[ "$RUNTIME" = local ] || [ "${GPU:-auto}" = 0 ] || [[ $COMPOSE_FILE == *gpu* ]] || say "The Docker engine has no GPU to give: the evaluation runs on the CPU."
# For random weights and for a source of the user's own there is nothing to fetch.
[ "${WEIGHTS:-pretrained}" = random ] || [ -n "${SOURCE:-}" ] || stage fetch
for name in export codegen build evaluate; do
  stage "$name"
done
