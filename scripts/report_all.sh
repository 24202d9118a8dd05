#!/usr/bin/env bash
# Writes output/index.html, a table of every report in output/, where the PyTorch side is.
source "$(dirname "$0")/lib.sh"
prepare
run codegen report-all
