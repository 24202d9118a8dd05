"""What is measured on the TensorFlow side, where torch cannot be imported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).parent


def test_both_engines_read_one_checkpoint(
    need: Callable[..., None], python: Callable[..., object], tmp_path: Path
) -> None:
    need("tensorflow", "tf_slim", "mmdnn")
    code = f"import runpy; sys.path.insert(0, {str(HERE.parents[1])!r}); runpy.run_path(sys.argv[1])"
    python(code, HERE / "export_in_child.py", hide=("torch",), cwd=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["tensorflow"].startswith("2.")
    assert found["native"] > 0
    assert found["mmdnn"] > 0
    given, kept = (load_file(tmp_path / folder / "weights.safetensors") for folder in ("work/net/export", "native"))
    assert kept.keys() <= given.keys()
    assert all(np.array_equal(kept[name], given[name]) for name in kept)
    assert {path.name for path in (tmp_path / "mmdnn").iterdir()} == {
        f"converted.{end}" for end in ("json", "npy", "pb")
    }
