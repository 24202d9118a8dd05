#!/usr/bin/env bash
# What `make convert` would do, stage by stage, and why. Each side is asked in its own image; nothing is changed.
source "$(dirname "$0")/lib.sh"
prepare
first=$(run export plan --stages export)
printf '%s\n' "$first"
before=()
[[ $first != *" run "* ]] || before=(--runs-before)
run codegen plan --stages codegen build evaluate "${before[@]}"
