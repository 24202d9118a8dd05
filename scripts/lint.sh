#!/usr/bin/env bash
# Every check that needs no test to run. Stops at nothing: all findings at once.
source "$(dirname "$0")/lib.sh"
scripts/venv.sh --test
PATH=$VENV_PATH:$PATH
failed=()
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@"; then say "lint: $name: ok"; else failed+=("$name"); fi
}
compose_files() { # both ways of laying them, with the tools too
  docker compose --profile tools -f compose.yaml config --quiet && docker compose --profile tools -f compose.yaml -f compose.gpu.yaml config --quiet
}
check ruff ruff check
check "ruff format" ruff format --check
check mypy mypy
mapfile -t shell < <(find scripts docker tests .ci -type f \( -name '*.sh' -o -path .ci/run \))
check shellcheck shellcheck --external-sources --source-path=SCRIPTDIR "${shell[@]}"
check hadolint hadolint --failure-threshold info docker/*.Dockerfile
if docker compose version >/dev/null 2>&1; then check "compose files" compose_files; else say "lint: compose files: skipped, there is no docker compose"; fi
[ ${#failed[@]} -eq 0 ] || die 1 "lint found something in: ${failed[*]}"
