#!/usr/bin/env bash
# Writes .env: who runs the containers, whether they get a GPU, and where wheels come from, so that a plain
# `docker compose up` is right too. Lines that it does not manage are kept.
#   env.sh [--quiet]
source "$(dirname "$0")/lib.sh"
managed='GPU|HOST_UID|HOST_GID|COMPOSE_PROJECT_NAME|COMPOSE_FILE|DEVICE|WHEELS'

# A trial: only running a container with a GPU tells whether the engine can. Cached for as long as the engine is the same.
engine_has_gpu() {
  local cache=.cache/gpu answer=no id image=${PYTORCH_BASE_IMAGE:-python:3.11-slim-bookworm}
  id=$(docker info -f '{{.ID}} {{.ServerVersion}}')
  if [ "$(head -n 1 "$cache" 2>/dev/null)" != "$id" ]; then
    # The image of the trial is one that is needed anyway. Without it the question stays open.
    docker image inspect "$image" >/dev/null 2>&1 || docker pull -q "$image" >/dev/null 2>&1 || return 1
    docker run --rm --gpus all "$image" true >/dev/null 2>&1 && answer=yes
    mkdir -p .cache
    printf '%s\n%s\n' "$id" "$answer" >"$cache"
  fi
  [ "$(tail -n 1 "$cache")" = yes ]
}

# A wheel of torch that pip on this host is set up to find in a folder serves the images too (air-gapped hosts).
wheels_folder() {
  local folder
  folder=$(sed -n 's/^WHEELS=//p' .env 2>/dev/null)
  if [ -n "$quiet" ] && [ -d "$folder" ]; then echo "$folder" && return; fi
  for folder in docker/wheels ${PIP_FIND_LINKS:-} $(python3 -m pip config get global.find-links 2>/dev/null || true); do
    if compgen -G "$folder/torch-*.whl" >/dev/null; then (cd "$folder" && pwd) && return; fi
  done
  echo ./docker/wheels
}

quiet=${1:-}
lasting=$(sed -n 's/^GPU=//p' .env 2>/dev/null || true)
GPU=${GPU:-${lasting:-auto}}
[ -n "$quiet" ] || lasting=$GPU # `make env GPU=0` is to last, `make convert GPU=0` is not
case $GPU in
  0) gpu= ;;
  1) engine_has_gpu || die "$EXIT_MACHINE" "GPU=1, but the Docker engine cannot give a container a GPU (the trial \`docker run --gpus all\` failed). \`make doctor\` tells why; GPU=0 runs on the CPU." && gpu=yes ;;
  auto) if engine_has_gpu; then gpu=yes; else gpu=; fi ;;
  *) die "$EXIT_USAGE" "GPU=$GPU is not known. It is auto, 0 or 1." ;;
esac

new=$(mktemp ./.env.XXXXXX)
trap 'rm -f "$new"' EXIT
{
  echo "# Written by \`make env\`. Further lines, such as MODEL=resnet_v1_50, are kept."
  echo "HOST_UID=$(id -u)"
  echo "HOST_GID=$(id -g)"
  echo "COMPOSE_PROJECT_NAME=tf2torch-$(id -un 2>/dev/null | tr -cd 'a-z0-9')$(pwd | cksum | cut -c 1-4)"
  [ "${lasting:-auto}" = auto ] || echo "GPU=$lasting"
  echo "COMPOSE_FILE=compose.yaml${gpu:+:compose.gpu.yaml}"
  echo "WHEELS=$(wheels_folder)"
  case $GPU in 0) echo DEVICE=cpu ;; 1) echo DEVICE=cuda ;; *) echo DEVICE=auto ;; esac
  grep -vE "^($managed)=|^# Written by" .env 2>/dev/null || true
} >"$new"
chmod 644 "$new"
cmp -s "$new" .env || mv "$new" .env
if [ -z "$quiet" ]; then
  say "$(cat .env)"
  [ -n "$gpu" ] || say "The evaluation runs on the CPU: $([ "$GPU" = 0 ] && echo 'GPU=0' || echo 'the engine has no GPU to give')."
fi
