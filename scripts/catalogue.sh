#!/usr/bin/env bash
# A command that only reads recipes and records: any Python from 3.11 on will do, else that of a container.
#   catalogue.sh list|info|ops|compare|zoo-table [ARGUMENT...]
source "$(dirname "$0")/lib.sh"
if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  PYTHONPATH=src PYTHONDONTWRITEBYTECODE=1 exec python3 -m tf2torch.cli "$@"
fi
prepare
run codegen "$@"
