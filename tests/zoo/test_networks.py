"""The network definitions against lists of variables that were made independently of them; TensorFlow in one child."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import pytest

from tf2torch import recipe

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
LISTS = ROOT / "tests" / "data" / "variables"
SCRIPT = Path(__file__).parent / "list_variables.py"
LISTED = sorted(path.stem for path in LISTS.glob("*.txt"))
COUNTED = {  # networks without a list: millions of parameters as published, the first two with their authors' PyTorch
    "cyclegan_generator": 11.378,
    "pix2pix_discriminator": 2.769,
    "i3d": 12.5,  # half of the 25 that the paper counts for a pair of networks
    "nasnet_cifar": 3.3,
    "nasnet_large": 88.9,
}
UNCOUNTED = {  # figures are published of other variants only; pnasnet_large is pnasnet_mobile with other numbers
    *("dcgan_discriminator", "pix2pix_generator", "pnasnet_large", "s3dg"),
}
BUILT = [*LISTED, "resnet_v2_200", *COUNTED]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def networks(
    need: Callable[..., None], python: Callable[..., object], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    need("tensorflow", "tf_slim", "tf_keras")
    folder = tmp_path_factory.mktemp("networks")
    run = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    python(run, MODELS, folder / "networks.json", *BUILT, hide=("torch",), cwd=folder)
    described: dict[str, Any] = json.loads((folder / "networks.json").read_text())
    return described


def listed(name: str) -> dict[str, list[int]]:
    lines = (line.split("\t") for line in (LISTS / f"{name}.txt").read_text().splitlines())
    return {variable: [int(size) for size in shape.split("x")] for variable, shape in lines}


@pytest.mark.parametrize("name", LISTED)
def test_the_variables_of_a_network(networks: dict[str, Any], name: str) -> None:
    found, expected = networks[name]["variables"], listed(name)
    assert len(expected) >= 8
    assert found.keys() - expected.keys() == set()
    assert expected.keys() - found.keys() == set()
    assert {variable: shape for variable, shape in found.items() if expected[variable] != shape} == {}


def test_every_network_has_a_list() -> None:
    listed = {recipe.load(MODELS, name).network for name in LISTED}
    others = {"resnet_v2_200", *COUNTED, *UNCOUNTED}
    assert {recipe.load(MODELS, name).network for name in recipe.names(MODELS)} - listed == others


@pytest.mark.parametrize("name", COUNTED)
def test_the_number_of_parameters(networks: dict[str, Any], name: str) -> None:
    shapes = networks[name]["variables"]
    found = sum(prod(shape) for variable, shape in shapes.items() if "/moving_" not in variable)
    assert found / 1e6 == pytest.approx(COUNTED[name], rel=0.02)


def test_the_one_without_a_list_has_the_units_of_its_paper(networks: dict[str, Any]) -> None:
    variables = networks["resnet_v2_200"]["variables"]
    units = {match[0] for name in variables if (match := re.match(r"resnet_v2_200/block\d/unit_\d+/", name))}
    assert [sum(f"block{block}/" in unit for unit in units) for block in (1, 2, 3, 4)] == [3, 24, 36, 3]
    assert sum("/shortcut/weights" in name for name in variables) == 4
    for name, shape in networks["resnet_v2_50"]["variables"].items():
        if "unit_1/" in name or "/block" not in name:
            assert variables[name.replace("resnet_v2_50", "resnet_v2_200")] == shape


@pytest.mark.parametrize("name", BUILT)
def test_input_and_logits(networks: dict[str, Any], name: str) -> None:
    found = recipe.load(MODELS, name)
    assert networks[name]["input"] == [None, *found.shape]
    if found.classes:
        assert networks[name]["logits"] == [None, found.classes]
    assert networks[name]["random operations"] == []
