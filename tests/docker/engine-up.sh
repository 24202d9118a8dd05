#!/usr/bin/env bash
# Brings up a Docker engine with Compose v2 and buildx on a bare Debian 12: as root, from the package mirror that the
# machine is set up with, without systemd and without a registry. Does nothing where such an engine answers already.
#   engine-up.sh [--install-only]
#   ENGINE_FAKE_GPU=1 engine-up.sh    if it is this call that starts the engine, it accepts GPU reservations: containers
#                                     get no GPU, but everything around it can be tested
# Counterpart: engine-down.sh, which stops only an engine that this has started. Both keep pid, log and data in
# ENGINE_FOLDER. Debian 12's own engine is 20.10, too old for named build contexts; Debian 13's packages run on it.
set -euo pipefail
folder=${ENGINE_FOLDER:-/var/tmp/docker-engine}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf 'engine-up: %s\n' "$*"; }
die() {
  printf 'engine-up: %s\n' "$*" >&2
  exit 1
}
answers() { docker info >/dev/null 2>&1; }

missing_packages() {
  local version
  version=$(dpkg-query --show --showformat '${Version}' docker.io 2>/dev/null || true)
  if ! answers && { ! command -v dockerd >/dev/null || dpkg --compare-versions "${version:-99}" lt 23; }; then echo docker.io; fi
  command -v docker >/dev/null || echo docker-cli
  docker buildx version >/dev/null 2>&1 || echo docker-buildx
  docker compose version >/dev/null 2>&1 || echo docker-compose
}

# Installs packages of Debian 13 through a view of apt of its own: the machine's sources, and Debian 13 below them all.
# What these packages need is taken from Debian 12, so that the rest of the system stays as it is.
install() { # PACKAGE...
  local mirror apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg guard=/usr/sbin/policy-rc.d
  # shellcheck disable=SC2016  # apt's own placeholder
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  [ -n "$mirror" ] || die "apt is set up with no mirror of Debian 12. Install Docker 23 or newer, buildx and Compose v2 yourself."
  mkdir "$scratch/sources" "$scratch/preferences"
  cp -r /etc/apt/sources.list.d/. "$scratch/sources/"
  cp -r /etc/apt/preferences.d/. "$scratch/preferences/"
  printf 'deb [signed-by=%s] %s trixie main\n' "$keyring" "$mirror" >"$scratch/sources/trixie.list"
  printf 'Package: *\nPin: release n=trixie\nPin-Priority: -10\n' >"$scratch/preferences/trixie"
  chmod -R a+rX "$scratch" # apt reads as a user of its own
  apt=(apt-get --quiet -o "Dir::Etc::sourceparts=$scratch/sources" -o "Dir::Etc::preferencesparts=$scratch/preferences"
    -o APT::Get::List-Cleanup=0 -o Acquire::Languages=none -o Dpkg::Use-Pty=0)
  say "installing $*"
  "${apt[@]}" update >"$scratch/log" 2>&1 || { tail -n 20 "$scratch/log" >&2 && die "apt-get update failed"; }
  # The packages start no service: this script starts the engine itself.
  if [ -e "$guard" ]; then guard=; else printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod +x "$guard"; fi
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --yes --no-install-recommends \
    "${@/%//trixie}" iptables ca-certificates >"$scratch/log" 2>&1 || local failed=1
  [ -z "$guard" ] || rm -f "$guard"
  [ -z "${failed:-}" ] || { tail -n 30 "$scratch/log" >&2 && die "apt-get install failed"; }
}

# dockerd has the device driver "nvidia" if this program is on its PATH, and runs it to put a GPU into a container.
fake_gpu() {
  mkdir -p "$folder/fake-gpu"
  printf '#!/bin/sh\ncat >/dev/null\n' >"$folder/fake-gpu/nvidia-container-runtime-hook"
  chmod +x "$folder/fake-gpu/nvidia-container-runtime-hook"
  PATH=$folder/fake-gpu:$PATH
}

start() {
  mkdir -p "$folder/data"
  chmod 711 "$folder"
  if [ ! -e /sys/fs/cgroup/cgroup.controllers ] && ! mountpoint -q /sys/fs/cgroup/memory; then
    mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || say "warning: there are no cgroups, so memory cannot be limited"
  fi
  [ -z "${ENGINE_FAKE_GPU:-}" ] || fake_gpu
  rm -f "$folder/pid"
  setsid dockerd --data-root "$folder/data" --pidfile "$folder/pid" >"$folder/log" 2>&1 </dev/null &
  local pid=$!
  for _ in $(seq 600); do
    if answers; then return; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 15 "$folder/log" >&2
  die "the engine does not answer (log: $folder/log)"
}

mapfile -t packages < <(missing_packages)
if [ ${#packages[@]} -gt 0 ] || ! answers; then [ "$(id -u)" = 0 ] || die "needs root"; fi
[ ${#packages[@]} -eq 0 ] || install "${packages[@]}"
[ "${1:-}" != --install-only ] || exit 0
if answers; then say "an engine answers already"; else start && say "started, pid $(cat "$folder/pid"), log $folder/log"; fi
say "Docker $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short), $(docker buildx version)"
