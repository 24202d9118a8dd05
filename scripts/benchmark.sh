#!/usr/bin/env bash
# Measures how long the steps of a conversion take, and what they make, each side where its framework is.
# It needs what `make export` has left; docs/benchmark.md says what is measured and how.
source "$(dirname "$0")/lib.sh"
prepare
run export benchmark --side tensorflow
run codegen benchmark --side pytorch
