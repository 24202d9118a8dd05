#!/usr/bin/env bash
# Measures how long the steps of a conversion take, and what they make, each side where its framework is.
# It needs what `make export` has left; docs/benchmark.md says what is measured and how.
#   RUNS=1 measures everything once
source "$(dirname "$0")/lib.sh"
prepare
runs=(${RUNS:+--runs "$RUNS"})
run export benchmark --side tensorflow "${runs[@]}"
run codegen benchmark --side pytorch "${runs[@]}" # prints what both sides have measured
