#!/usr/bin/env bash
# Builds the two images, each only if something that goes into it has changed since.
#   images.sh [--force]
source "$(dirname "$0")/lib.sh"
[ -n "${ENGINE_CHECKED:-}" ] || { RUNTIME=docker choose_runtime && scripts/env.sh --quiet && load_env; }

# What an image is made of: files, build arguments, and the image it stands on.
inputs_of() { # NAME BASE_IMAGE ARGUMENT...
  local name=$1 base=$2
  shift
  {
    find src -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -print0 | sort -z | xargs -0 cat
    cat "docker/$name.Dockerfile" "docker/$name.requirements.txt" docker/install-torch.sh docker/describe_image.py
    printf '%s\n' "$@"
    docker image inspect -f '{{.Id}}' "$base" 2>/dev/null || true
  } | sha256sum | cut -c 1-16
}

build() { # SERVICE NAME BASE_IMAGE ARGUMENT...
  local service=$1 image
  shift
  image=$(image_of "$service")
  TF2TORCH_INPUTS=$(inputs_of "$@")
  export TF2TORCH_INPUTS
  [ "$force" = --force ] || [ "$(docker image inspect -f '{{index .Config.Labels "tf2torch.inputs"}}' "$image" 2>/dev/null)" != "$TF2TORCH_INPUTS" ] || return 0
  [ "$service" != codegen ] || choose_wheels
  local log start=$SECONDS
  say "Building the image $image ..."
  if [ -t 2 ]; then
    docker compose build "$service" >&2 || failed "$image"
  else
    log=$(mktemp)
    docker compose --progress plain build "$service" >"$log" 2>&1 || { tail -n 25 "$log" >&2 && rm -f "$log" && failed "$image"; }
    rm -f "$log"
  fi
  say "Building the image $image: done in $((SECONDS - start)) s"
}

failed() { die "$EXIT_MACHINE" "The image $1 could not be built: see above. \`make doctor\` checks the machine; docs/docker.md tells of other bases and indexes."; }

# Asked where the build will ask: in a container of the base image.
cpu_index_answers() {
  docker run --rm "${PYTORCH_BASE_IMAGE:-$python}" python -c "import urllib.request as r; r.urlopen('https://download.pytorch.org/whl/cpu/torch/', timeout=10)" >/dev/null 2>&1
}

# The CPU wheels where they can be had. An explicit TORCH_INDEX_URL, a GPU or a wheel at hand settles it without asking.
choose_wheels() {
  [ -z "${TORCH_INDEX_URL+set}" ] && [[ ${COMPOSE_FILE:-} != *gpu* ]] || return 0
  ! compgen -G "${WHEELS:-docker/wheels}/torch-*.whl" >/dev/null || return 0
  cpu_index_answers && return
  say "The index of torch's CPU wheels does not answer: those of pip's default index are taken, with CUDA and several GB large."
  export TORCH_INDEX_URL=
}

force=${1:-}
TF2TORCH_REVISION=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
export TF2TORCH_REVISION
python=python:3.11-slim-bookworm
build export tensorflow "${TENSORFLOW_BASE_IMAGE:-$python}" "${TENSORFLOW_SPEC:-}"
build codegen pytorch "${PYTORCH_BASE_IMAGE:-$python}" "${TORCH_INDEX_URL-cpu}" "${COMPOSE_FILE:-}"
