"""Somebody's own checkpoint in containers: a recipe of it, its conversion, and another one onto the same source."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checkout import Checkout, Done

MODEL = "digits_0.5_28"  # the name of a model may have dots
SAID = {"ENGINE": "native", "WEIGHTS": "pretrained"}


@pytest.fixture(scope="module")
def owner(built: Checkout) -> Checkout:
    """The shared copy, with two checkpoints of lenet in models/ that have no graph."""
    for name, seed in ((MODEL, "1"), ("later", "2")):
        built.make("export", MODEL="lenet", SEED=seed)
        for path in built.output("lenet").glob("lenet.ckpt.*"):
            if path.suffix != ".meta":
                to = built.folder / "models" / path.name.replace("lenet", name, 1)
                built.give_away(Path(shutil.copy(path, to)))
    return built


@pytest.fixture(scope="module")
def written(owner: Checkout) -> Done:
    return owner.make("init", SOURCE=f"models/{MODEL}.ckpt", MODEL=MODEL)


@pytest.fixture(scope="module")
def converted_by_name(owner: Checkout, written: Done) -> Done:  # noqa: ARG001  # whose recipe it needs
    return owner.make("convert", MODEL=MODEL, **SAID)


def test_init_writes_the_recipe(owner: Checkout, written: Done) -> None:
    path = owner.folder / "models" / f"{MODEL}.toml"
    assert 'network = "lenet"' in path.read_text()
    assert path.read_text() in written
    assert path.stat().st_uid == owner.uid


def test_it_is_converted_by_its_name(owner: Checkout, converted_by_name: Done) -> None:
    assert f"PASS {MODEL}  " in converted_by_name
    assert "RANDOM WEIGHTS" not in converted_by_name
    assert "PASS, native, pretrained weights" in owner.make("list")


@pytest.mark.usefixtures("converted_by_name")
def test_another_checkpoint_onto_the_same_source(owner: Checkout) -> None:
    """The same bytes as a conversion of that checkpoint, for which NETWORK= does instead of a recipe."""
    owner.make("convert", MODEL="later", SOURCE="models/later.ckpt", NETWORK="lenet", **SAID)
    output = owner.folder / "output"
    owner.make("weights", CHECKPOINT="models/later.ckpt", ONTO=f"output/{MODEL}/converted_pytorch.py")
    put = (output / MODEL / "later.safetensors").read_bytes()
    assert put == (output / "later" / "converted_pytorch.safetensors").read_bytes()
    assert put != (output / MODEL / "converted_pytorch.safetensors").read_bytes()
