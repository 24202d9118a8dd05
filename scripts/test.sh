#!/usr/bin/env bash
# All set-up, then every test that this machine can run; those in containers run where an engine answers.
#   TESTS='-k parity' hands arguments on to pytest
source "$(dirname "$0")/lib.sh"
scripts/venv.sh --test
if engine_answers; then say "A Docker engine answers: the tests in containers run too."; else say "No Docker engine answers: the tests in containers are skipped."; fi
read -r -a arguments <<<"${TESTS:-}"
exec "$VENV/bin/python" -m pytest "${arguments[@]}"
