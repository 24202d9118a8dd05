"""What the exporting side does with a tiny network, observed in a child process where torch cannot be imported."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Observed:
    folder: Path
    facts: dict[str, Any]
    arrays: dict[str, Any]

    def below(self, prefix: str) -> dict[str, Any]:
        """The arrays whose names start with prefix/, under what follows it."""
        return {name.removeprefix(f"{prefix}/"): a for name, a in self.arrays.items() if name.startswith(f"{prefix}/")}


@pytest.fixture(scope="session")
def observed(
    need: Callable[..., None], python: Callable[..., object], tmp_path_factory: pytest.TempPathFactory
) -> Observed:
    need("tensorflow", "tf_slim", "tf_keras")
    folder = tmp_path_factory.mktemp("export")
    code = f"import runpy, sys; sys.path.insert(0, {str(HERE)!r}); runpy.run_module('observe', run_name='__main__')"
    python(code, folder, hide=("torch",), cwd=folder)
    facts = json.loads((folder / "observed.json").read_text())
    return Observed(folder, facts, dict(np.load(folder / "arrays.npz")))
