#!/usr/bin/env bash
# Runs one of MMdnn's own commands with its own arguments, where its framework is. Paths are relative to the root of
# the repository: models/ is read only (except for mmdownload), output/ is for results.
#   mmdnn.sh mmtoir -f tensorflow -n output/x/x.ckpt.meta ...
source "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || die "$EXIT_USAGE" "No command was given. For instance: make mmdnn CMD='mmtoir --help'"
prepare
raw() { # SERVICE PART COMMAND...
  local service=$1 part=$2
  shift 2
  run "$service" mmdnn --part "$part" -- "$@"
}
case $1 in
  mmdownload) raw fetch all "$@" ;;
  mmtocode | mmtomodel) raw codegen all "$@" ;;
  mmconvert) # needs both frameworks: in containers its two halves run one after the other
    if [ "$RUNTIME" = local ]; then raw export all "$@"; else raw export ir "$@" && raw codegen model "$@"; fi
    ;;
  *) raw export all "$@" ;;
esac
