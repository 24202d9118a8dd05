#!/usr/bin/env bash
# Removes the intermediates, and with ALL=1 also results, images, volume and virtual environment. Weights are kept.
source "$(dirname "$0")/lib.sh"
if engine_answers; then
  [ ! -f .env ] || load_env
  down=(--volumes --remove-orphans)
  [ "${ALL:-0}" != 1 ] || down+=(--rmi all)
  docker compose --profile tools down "${down[@]}" >/dev/null 2>&1 || say "The containers of this project could not be removed."
fi
rm -rf .cache
if [ "${ALL:-0}" = 1 ]; then
  rm -rf "$VENV" .env
  find output -mindepth 1 -not -name .gitkeep -delete
fi
