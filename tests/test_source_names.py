"""What the model of a SOURCE is called: the command line and the scripts must agree."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tf2torch.options import name_of

LIB = Path(__file__).parents[1] / "scripts" / "lib.sh"
CALLED = {
    "net.pb": "net",
    "my net.ckpt.meta": "my_net",
    "net.ckpt": "net",
    "net.ckpt-540000.data-00000-of-00001": "net",
    "mobilenet_v1_1.0_224_frozen.pb": "mobilenet_v1_1.0_224_frozen",
    "mobilenet_v2_0.35_96.ckpt.index": "mobilenet_v2_0.35_96",
    "model-540000": "model_540000",
    "net.pbx": "net.pbx",
    ".hidden.ckpt": "hidden",
    "x..pb": "x",
    "modèle.ckpt": "mod_le",
}


@pytest.mark.parametrize(("file", "name"), CALLED.items())
def test_the_name_of_a_source(file: str, name: str) -> None:
    assert name_of(Path("folder", file)) == name
    command = f"source <(sed -n '/^source_model/,/^}}/p' '{LIB}'); SOURCE_NAME=$1 source_model"
    done = subprocess.run(
        ["bash", "-c", command, "bash", file],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.stdout.strip() == name
