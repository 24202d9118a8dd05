"""A small network in TensorFlow's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent

Run = Callable[..., object]


@pytest.fixture(scope="session")
def save_network(
    need: Callable[..., None], tmp_path_factory: pytest.TempPathFactory, python: Run
) -> Callable[[str], Path]:
    """The folder with the checkpoint of a kind of network, made on first use."""
    need("tensorflow", "torch", "mmdnn", "tf_slim")
    made: dict[str, Path] = {}

    def save(kind: str) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            python(f"import runpy; runpy.run_path({str(HERE / 'small_networks.py')!r}, run_name='__main__')",
                   kind, folder, cwd=folder)  # fmt: skip
            made[kind] = folder
        return made[kind]

    return save
