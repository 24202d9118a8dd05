#!/usr/bin/env bash
# Resolves all extras of pyproject.toml together in a fresh environment, and writes docker/*.requirements.txt from it.
source "$(dirname "$0")/lib.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder"
say "Resolving (minutes) ..."
"$folder/bin/python" -m pip install --quiet --find-links docker/wheels '.[tensorflow,pytorch,test]'
"$folder/bin/python" scripts/lock.py
git --no-pager diff --stat -- docker/*.requirements.txt
