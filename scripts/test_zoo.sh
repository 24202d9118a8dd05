#!/usr/bin/env bash
# Converts every recipe with seeded weights, whatever becomes of each, and writes the table of docs/zoo.md, or of
# docs/mmdnn.md for ENGINE=mmdnn.
#   MODELS="vgg_16 vgg_19" takes only these
source "$(dirname "$0")/lib.sh"
export TIMING=${TIMING:-0} # the table is about what is converted, not how fast it runs
mapfile -t models < <(basename -s .toml -a models/*.toml)
# shellcheck disable=SC2206  # a list of names, meant to be split
[ -z "${MODELS:-}" ] || models=($MODELS)
prepare
for MODEL in "${models[@]}"; do
  say "== $MODEL"
  MODEL=$MODEL WEIGHTS=random scripts/convert.sh || say "== $MODEL ended with exit code $?"
done
case ${ENGINE:-native} in native) document=docs/zoo.md ;; *) document=docs/$ENGINE.md ;; esac
scripts/catalogue.sh zoo-table --write "$document"
