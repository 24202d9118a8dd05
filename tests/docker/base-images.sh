#!/usr/bin/env bash
# Makes a local stand-in for the base image that the Dockerfiles name, for hosts that reach Debian's
# packages but no image registry. It carries Debian 12's own Python 3.11 under the names of the upstream
# image (python, pip), so the real Dockerfiles build on it unchanged. Nothing is done if the image is there.
#   base-images.sh [--force]
set -euo pipefail
IMAGE=python:3.11-slim-bookworm
WORK=${WORK:-/var/tmp/tf2torch-base-image}
say() { printf 'base-images: %s\n' "$*"; }

if [ "${1:-}" != --force ] && docker image inspect "$IMAGE" >/dev/null 2>&1; then
  say "$IMAGE is there"
  exit 0
fi
[ "$(id -u)" = 0 ] || { say "needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }

# The machine's own package mirror, whatever it is.
# shellcheck disable=SC2016  # apt's own placeholder
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
mirror=${mirror%/}
root=$WORK/rootfs
rm -rf "$WORK" && mkdir -p "$WORK"
say "debootstrap bookworm (a minute)"
debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv \
  bookworm "$root" "$mirror" >"$WORK/log" 2>&1 || { tail -20 "$WORK/log" >&2; exit 1; }

# What upstream's image has and Debian's has not.
ln -sf python3 "$root/usr/bin/python"
rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
# This host's certificates, and where pip finds them: its way out may re-sign TLS.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ndisable-pip-version-check = true\n' >"$root/etc/pip.conf"

tar -C "$root" --numeric-owner --exclude=./dev -c . |
  docker import -c 'CMD ["python3"]' -c 'ENV LANG=C.UTF-8' -c "LABEL stand-in.for=docker.io/library/$IMAGE" - "$IMAGE" >/dev/null
rm -rf "$WORK"
say "made $IMAGE"
