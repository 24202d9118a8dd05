#!/usr/bin/env bash
# Stops the engine that engine-up.sh has started, by its recorded pid, and waits until it is gone.
#   engine-down.sh [--purge]      --purge also deletes its images, containers and volumes
set -euo pipefail
folder=${ENGINE_FOLDER:-/var/tmp/docker-engine}
say() { printf 'engine-down: %s\n' "$*"; }

pid=$(cat "$folder/pid" 2>/dev/null || true)
runs() { [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status"; }

if [ -n "$pid" ] && runs; then
  kill "$pid"
  for _ in $(seq 300); do
    runs || break
    sleep 0.1
  done
  ! runs || { say "the engine $pid is still there after 30 s" >&2 && exit 1; }
  say "stopped the engine $pid"
else
  say "no engine that was started here runs"
fi
rm -f "$folder/pid"
if [ "${1:-}" = --purge ]; then rm -rf "$folder/data" && say "deleted $folder/data"; fi
