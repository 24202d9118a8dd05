#!/usr/bin/env bash
# Checks this machine. Each finding that is not right comes with the command that mends it.
# Exit code 0 if a conversion can run, in Docker or without; 6 if neither can.
source "$(dirname "$0")/lib.sh"
blocked=() # what keeps a runtime from working

ok() { printf '  ok    %-10s %s\n' "$1" "$2"; }
note() { printf '  note  %-10s %s\n' "$1" "$2${3:+
                   -> $3}"; }
bad() { # NAME FINDING REMEDY [RUNTIME that it blocks; none: both]
  printf '  BAD   %-10s %s\n                   -> %s\n' "$1" "$2" "$3"
  blocked+=("${4:-docker}")
  [ -n "${4:-}" ] || blocked+=(local)
}

check_engine() {
  if ! command -v docker >/dev/null; then
    bad engine "there is no docker command" "install Docker Engine 23 or newer, or use RUNTIME=local" docker
  elif ! docker info >/dev/null 2>&1; then
    local reason
    reason=$(docker info 2>&1 | grep -iE 'cannot|denied|error' | head -n 1 || true)
    case $reason in
      *denied*) bad engine "no permission to talk to the engine" "sudo usermod -aG docker $(id -un), then log in again" docker ;;
      *) bad engine "no engine answers (${reason:-no reason given})" "sudo systemctl start docker" docker ;;
    esac
  else
    local version
    version=$(docker version -f '{{.Server.Version}}')
    if [ "${version%%.*}" -ge 23 ]; then ok engine "Docker $version"; else bad engine "Docker $version is too old for named build contexts" "install Docker Engine 23 or newer" docker; fi
  fi
}

check_plugin() { # NAME PACKAGE
  local version
  if version=$(docker "$1" version 2>/dev/null | head -n 1) && [ -n "$version" ]; then
    ok "$1" "$version"
  else
    bad "$1" "docker $1 does not answer" "sudo apt-get install $2 (or your system's package of that plugin)" docker
  fi
}

check_space() { # what a conversion and the images take, in GB
  local free needed=8 folder=. root
  root=$(docker info -f '{{.DockerRootDir}}' 2>/dev/null || true)
  [ -z "$root" ] || [ ! -d "$root" ] || folder=$root
  free=$(($(df -Pk "$folder" | awk 'NR == 2 {print $4}') / 1024 / 1024))
  if [ "$free" -ge "$needed" ]; then ok disk "$free GB free"; else bad disk "$free GB free, $needed GB are needed for the images and a model" "docker system prune, or make clean ALL=1"; fi
}

check_memory() {
  local total
  total=$(docker info -f '{{.MemTotal}}' 2>/dev/null) || total=0 # without an engine it prints 0, and fails
  [ "${total:-0}" != 0 ] || total=$(awk '/MemTotal/ {printf "%.0f", $2 * 1024}' /proc/meminfo)
  total=$((total / 1024 / 1024 / 1024))
  if [ "$total" -ge 4 ]; then ok memory "$total GB"; else note memory "$total GB; the largest models (vgg_19, overfeat) take about 4 GB" "give Docker more memory, or convert a smaller model"; fi
}

check_gpu() {
  rm -f .cache/gpu # asked anew
  local card driver capability
  card=$(nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader 2>/dev/null | head -n 1 || true)
  if docker info >/dev/null 2>&1 && docker run --rm --gpus all "${PYTORCH_BASE_IMAGE:-python:3.11-slim-bookworm}" true >/dev/null 2>&1; then
    ok gpu "the engine can give containers a GPU${card:+: $card}"
  elif [ -n "$card" ]; then
    note gpu "$card, but the engine cannot give it to a container" "install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
  else
    note gpu "none: the evaluation runs on the CPU"
  fi
  [ -n "$card" ] || return 0
  driver=$(cut -d, -f 2 <<<"$card" | tr -d ' ' | cut -d. -f 1)
  capability=$(cut -d, -f 3 <<<"$card" | tr -d ' .')
  check_wheels "$driver" "$capability"
}

# torch's default wheels are for CUDA 13: driver 580, Turing. Older cards and drivers have an index of their own.
check_wheels() { # DRIVER CAPABILITY
  local index=https://download.pytorch.org/whl chosen
  chosen=$(sed -n 's/^TORCH_INDEX_URL=//p' .env 2>/dev/null || true)
  chosen=${TORCH_INDEX_URL:-$chosen}
  local needs=580 least=75 wheels="the default wheels (CUDA 13)"
  case $chosen in
    */cu126) needs=525 least=50 wheels="the cu126 wheels" ;;
    */cu128) needs=525 least=70 wheels="the cu128 wheels" ;;
    */cpu) note wheels "TORCH_INDEX_URL=$chosen: CPU wheels on a machine with a GPU" "make images TORCH_INDEX_URL= " && return ;;
  esac
  if [ "$1" -ge "$needs" ] && [ "$2" -ge "$least" ]; then
    ok wheels "driver $1 suits $wheels"
  elif [ "$2" -ge 70 ] && [ "$1" -ge 525 ]; then
    note wheels "driver $1 does not suit $wheels" "echo TORCH_INDEX_URL=$index/cu128 >>.env && make images"
  else
    note wheels "driver $1 and compute capability $2 do not suit $wheels" "echo TORCH_INDEX_URL=$index/cu126 >>.env && make images"
  fi
}

check_folders() {
  local folder
  for folder in output models; do
    if [ -w "$folder" ]; then ok "$folder" "writable"; else bad "$folder" "not writable for $(id -un)" "sudo chown -R $(id -u):$(id -g) $folder"; fi
  done
  local foreign
  foreign=$(find output models -not -user "$(id -u)" -print -quit 2>/dev/null)
  if [ -z "$foreign" ]; then ok uid "everything there belongs to $(id -un) ($(id -u))"; else bad uid "$foreign belongs to somebody else" "sudo chown -R $(id -u):$(id -g) output models"; fi
}

check_env() {
  if [ ! -f .env ]; then
    note .env "not written yet; make does it when it needs it" "make env"
  elif grep -qx "HOST_UID=$(id -u)" .env && grep -qx "HOST_GID=$(id -g)" .env; then
    ok .env "written for $(id -un)"
  else
    bad .env "stale: written for another user" "make env" docker
  fi
}

check_python() {
  local found
  if [ -x "$VENV/bin/python" ]; then
    ok python "$VENV is there"
  elif found=$(python3 -c 'import sys, venv, ensurepip; assert (3, 11) <= sys.version_info < (3, 14); print(sys.version.split()[0])' 2>/dev/null); then
    ok python "$found, for RUNTIME=local"
  else
    bad python "no Python 3.11 to 3.13 with venv, which RUNTIME=local needs" "sudo apt-get install python3 python3-venv" local
  fi
}

check_engine
check_plugin compose docker-compose-plugin
check_plugin buildx docker-buildx-plugin
check_space
check_memory
check_gpu
check_folders
check_env
check_python

runtimes=()
[[ " ${blocked[*]} " == *" docker "* ]] || runtimes+=("in Docker")
[[ " ${blocked[*]} " == *" local "* ]] || runtimes+=("without Docker (RUNTIME=local)")
[ ${#runtimes[@]} -gt 0 ] || die "$EXIT_MACHINE" "Neither Docker nor RUNTIME=local can work here: see above."
say "Conversions work ${runtimes[0]}${runtimes[1]:+ and ${runtimes[1]}}."
