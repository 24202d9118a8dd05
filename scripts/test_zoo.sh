#!/usr/bin/env bash
# Converts every recipe with seeded weights, whatever becomes of each, and writes the tables of docs/ and README.md.
# It fails where the engine native fails; what MMdnn cannot convert is what its table is about.
#   MODELS=vgg_*,lenet JOBS=n   as for convert-all
set -euo pipefail
cd "$(dirname "$0")/.."
export WEIGHTS=random SEED=0 KEEP_GOING=1
said="WEIGHTS=random"
if [ "${ENGINE:-native}" = native ]; then
  export PROOF=${PROOF:-1}
  said+=" PROOF=$PROOF"
fi
export TF2TORCH_COMMAND=${TF2TORCH_COMMAND:-make convert-all}
TF2TORCH_COMMAND=${TF2TORCH_COMMAND/test-zoo/convert-all $said}
code=0
scripts/convert_all.sh "$@" || code=$?
case $code in 2 | 6 | 130) exit "$code" ;; esac # nothing was measured, or not all
scripts/catalogue.sh zoo-table --write
[ "${ENGINE:-native}" != native ] || exit "$code"
