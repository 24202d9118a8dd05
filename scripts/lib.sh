# shellcheck shell=bash
# What the scripts share. Sourced, from the root of the repository.
#   variables of the user: RUNTIME=auto|docker|local  GPU=auto|0|1  MODEL ENGINE WEIGHTS SEED IMAGES DEVICE FORCE FROM OFFLINE
#                          SOURCE INPUT OUTPUT FORMATS PROOF BISECT DEVICES TIMING
#                          NETWORK NUM_CLASSES INPUT_SHAPE PREPROCESS SCOPE_MAP EMA AUX_LOGITS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly EXIT_USAGE=2 EXIT_MACHINE=6 EXIT_INTERRUPTED=130 EXIT_OUT_OF_MEMORY=137
VENV=${VENV:-.venv}
# shellcheck disable=SC2034  # for the scripts that source this
case $VENV in /*) VENV_PATH=$VENV/bin ;; *) VENV_PATH=$PWD/$VENV/bin ;; esac # to put first on PATH

say() { printf '%s\n' "$*" >&2; }
die() { # CODE MESSAGE
  say "tf2torch: $2"
  exit "$1"
}

begins_a_file() { # PREFIX; taken as it is, brackets and stars too
  set -- "$1"*
  [ -e "$1" ]
}

# Ctrl-C between two commands, none of which can say it. One that has been stopped has said it, and ended with this code.
say_stopped() { # CODE that a command ended with
  [ "$1" = "$EXIT_INTERRUPTED" ] || say "tf2torch: Stopped. What was finished is kept; the same command goes on from there."
}
interrupted() {
  say_stopped $?
  exit "$EXIT_INTERRUPTED"
}
trap interrupted INT

# Relative folders mean the same for make, for compose and inside of a container.
if [ -n "${IMAGES:-}" ]; then
  [ -d "$IMAGES" ] || die 3 "IMAGES=$IMAGES is not a folder. It holds images and a labels.csv (filename,label), or a folder for each class."
  IMAGES=$(cd "$IMAGES" && pwd)
  export IMAGES
fi

if [ -n "${SOURCE:-}" ]; then # a file, a folder, or the prefix of a checkpoint's files
  begins_a_file "$SOURCE" || die 3 "SOURCE=$SOURCE is not there. It is a graph (.pb), a checkpoint with its .meta, or one of a NETWORK= of ours."
  SOURCE_FOLDER=$(cd "$(dirname "$SOURCE")" && pwd)
  SOURCE_NAME=$(basename "$SOURCE")
  SOURCE=$SOURCE_FOLDER/$SOURCE_NAME
  export SOURCE SOURCE_FOLDER SOURCE_NAME
fi

source_model() { # what the model is called after SOURCE, as options.py has it
  LC_ALL=C.UTF-8 sed -E 's/\.(pb|pbtxt|ckpt|meta|index|data)([^A-Za-z0-9_].*)?$//; s/[^A-Za-z0-9_.]/_/g; s/^\.+//; s/\.+$//' <<<"$SOURCE_NAME"
}

engine_answers() { docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

# Sets RUNTIME to docker or local.
choose_runtime() {
  case ${RUNTIME:-auto} in
    docker)
      [ -n "${ENGINE_CHECKED:-}" ] || engine_answers || die "$EXIT_MACHINE" \
        "RUNTIME=docker, but no Docker engine with Compose v2 and buildx answers. \`make doctor\` tells what is missing; RUNTIME=local works without."
      ;;
    local) ;;
    auto)
      if engine_answers; then RUNTIME=docker; else
        RUNTIME=local
        say "No Docker engine answers: the same work is done in a virtual environment ($VENV). RUNTIME=local says so from the start."
      fi
      ;;
    *) die "$EXIT_USAGE" "RUNTIME=$RUNTIME is not known. It is auto, docker or local." ;;
  esac
  export RUNTIME ENGINE_CHECKED=1
}

# Everything that a stage needs to be able to run: images or the virtual environment, up to date. Once is enough for
# all scripts that one starts: what changes meanwhile must not change what half of them run in.
prepare() {
  [ -z "${PREPARED:-}" ] || return 0
  choose_runtime
  if [ "$RUNTIME" = docker ]; then
    scripts/env.sh --quiet
    load_env
    scripts/images.sh
    load_image_ids
  else
    scripts/venv.sh
    # In Docker .env says this; what was said for this call stands in both.
    case ${GPU:-auto} in 0) export DEVICE=${DEVICE:-cpu} ;; 1) export DEVICE=${DEVICE:-cuda} ;; esac
  fi
  export PREPARED=1
}

# The lasting settings, without overriding what this call sets.
load_env() {
  local key value
  while IFS='=' read -r key value; do
    case $key in '' | \#*) continue ;; esac
    [ -n "${!key+set}" ] || export "$key=$value"
  done <.env
}

load_image_ids() {
  TENSORFLOW_IMAGE_ID=$(docker image inspect -f '{{.Id}}' "$(image_of export)")
  PYTORCH_IMAGE_ID=$(docker image inspect -f '{{.Id}}' "$(image_of codegen)")
  export TENSORFLOW_IMAGE_ID PYTORCH_IMAGE_ID
}

image_of() { # SERVICE; as in the compose files: each checkout has images of its own, which no other one replaces
  local kind=cpu project=${COMPOSE_PROJECT_NAME:-tf2torch}
  [[ ${COMPOSE_FILE:-} != *gpu* ]] || kind=cuda
  case $1 in
    export) echo "${TENSORFLOW_IMAGE:-$project-tensorflow:cpu}" ;;
    *) echo "${PYTORCH_IMAGE:-$project-pytorch:$kind}" ;;
  esac
}

# Runs one command of tf2torch where its framework is: in a container of SERVICE, or in the virtual environment.
run() { # SERVICE ARGUMENT...
  local service=$1
  shift
  if [ "$RUNTIME" = local ]; then
    PYTHONPATH=src IMAGES=${IMAGES:-models/photographs} PYTHONDONTWRITEBYTECODE=1 "$VENV/bin/python" -m tf2torch.cli "$@"
    return
  fi
  local compose=(docker compose --progress quiet run --rm --no-deps)
  if [ -t 0 ] && [ -t 1 ]; then # the terminal hands Ctrl-C on to the container
    "${compose[@]}" "$service" "$@"
    return
  fi
  local name=tf2torch-$service-$$ code=0 compose_pid stopped=
  set -m # a process group of its own, or Ctrl-C would end compose before the container has put things in order
  "${compose[@]}" -T --name "$name" "$service" "$@" </dev/null &
  set +m
  compose_pid=$!
  trap 'stopped=yes; stop_container "$name" "$compose_pid"' INT TERM
  wait_for "$compose_pid" || code=$?
  trap interrupted INT
  trap - TERM
  # Stopped is stopped: one that finished all the same, too, and one that had not come as far as to say so itself.
  [ -z "$stopped" ] || { say_stopped "$code" && code=$EXIT_INTERRUPTED; }
  return "$code"
}

# Interrupts a container as soon as there is one, while compose runs.
stop_container() { # NAME PID
  until docker kill --signal INT "$1" >/dev/null 2>&1 || ! kill -0 "$2" 2>/dev/null; do sleep 0.1; done
}

# Like wait, but a signal does not end the waiting: the container is given the time to put things in order.
wait_for() { # PID
  local code=0
  while :; do
    wait "$1" && code=0 || code=$?
    kill -0 "$1" 2>/dev/null || return "$code"
  done
}

# Runs a stage. A container that was killed for its memory could not say so itself.
stage() { # SERVICE
  local code=0
  run "$1" "$1" || code=$?
  if [ "$code" = "$EXIT_OUT_OF_MEMORY" ]; then
    run "$1" mark "$1" "$code" "The stage $1 was killed, most likely because it ran out of memory. Give Docker (or the machine) more; the same command goes on from there." || code=$?
  fi
  return "$code"
}
