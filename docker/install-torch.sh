#!/usr/bin/env bash
# Installs the torch that a requirements file pins, from the first place that has it: a folder with wheels, then an
# index. Both the image and the local virtual environment are made with it.
#   install-torch.sh REQUIREMENTS WHEELS [INDEX_URL]      INDEX_URL empty: pip's default index (wheels for the GPU)
set -euo pipefail
requirements=$1 wheels=$2 index=${3:-}
pip() { "${PYTHON:-python}" -m pip --disable-pip-version-check "$@"; }
torch=$(grep '^torch==' "$requirements")
rest=$(mktemp)
trap 'rm -f "$rest"' EXIT
grep -v '^torch==' "$requirements" >"$rest"

pip install --find-links "$wheels" -r "$rest" # torch's own dependencies among them, so that only torch is left to find
pip install --no-index --find-links "$wheels" "$torch" 2>/dev/null && exit 0
pip install --find-links "$wheels" --retries 1 ${index:+--index-url "$index"} "$torch" && exit 0
echo "Cannot install $torch from ${index:-the default index of pip}. Put its wheel into docker/wheels/," \
  "or choose another index with TORCH_INDEX_URL= (empty: pip's default, wheels for the GPU)." >&2
exit 1
