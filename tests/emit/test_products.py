"""What is written for a network: source, weights, self-test and model files, each loaded as a user would."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.conftest import child_environment, run_python
from tests.outline.building import MODELS, Building, Generated, generate
from tf2torch import bundle, emit, recipe
from tf2torch.emit.package import SOURCE
from tf2torch.ir.types import Graph

ONLY_TORCH = ("safetensors", "tensorflow", "tf2torch")
USE = """
import sys, torch, numpy
network = torch.load(sys.argv[1], weights_only=False)
given, expected = map(torch.from_numpy, (numpy.load(sys.argv[2]), numpy.load(sys.argv[3])))
"""
COMPARE = "torch.testing.assert_close({}(given), expected, rtol=1e-6, atol=1e-6)\n"


def small(channels: int = 4) -> tuple[Building, Graph]:
    """Two parts and a head; one batch norm has no gamma."""
    net = Building()
    x = net.conv_bn_relu("net/stem", net.input("images", 3, 3, 8, 8), channels)
    for index in range(2):
        inner = net.conv(f"net/block/unit_{index}/conv", x, channels, bias=False)
        inner = net.norm(f"net/block/unit_{index}/norm", inner, gamma=False, decay=0.75)
        x = net.call(f"net/block/unit_{index}/add", x + inner)
    return net, net.graph(net.linear("net/logits", net.call("net/mean", x.mean((2, 3))), 5))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The network with all that is written for it."""
    folder = tmp_path_factory.mktemp("products")
    net, graph = small()
    made = generate(graph, net, folder)
    given = net.values[graph.inputs[0]].numpy()
    expected = net.values[graph.outputs[0]].numpy()
    np.save(folder / "given.npy", given)
    np.save(folder / "expected.npy", expected)
    errors = {"batch 1": 1e-7, "batch 10": 1e-7}
    reference = bundle.Reference(given, expected, expected[:1], expected[:0], (), (), errors, "2.21.0")
    bundle.save(reference, folder / "reference.safetensors")
    emit.sketch(folder / "reference.safetensors", made.written, folder)
    emit.build(made.path, folder, ("npy", "pt2"))
    return made


def arrays(made: Generated) -> tuple[torch.Tensor, torch.Tensor]:
    folder = made.path.parent
    return torch.from_numpy(np.load(folder / "given.npy")), torch.from_numpy(np.load(folder / "expected.npy"))


def assert_right(made: Generated, network: Any) -> None:
    given, expected = arrays(made)
    torch.testing.assert_close(network(given), expected, rtol=1e-6, atol=1e-6)


def test_another_number_of_classes(made: Generated) -> None:
    """Its head is fresh; all else is as converted."""
    network = made.module.load(num_classes=10)
    assert network(arrays(made)[0]).shape == (3, 10)
    kept = made.network.state_dict()
    for key, value in network.state_dict().items():
        assert key.startswith("logits.") or torch.equal(value, kept[key]), key


def test_what_is_no_classifier_has_no_number_of_classes(tmp_path: Path) -> None:
    net, graph = small()
    known = replace(recipe.of_source(MODELS, "net"), network="a generator", classes=0)
    emit.write(graph, net.weights, emit.Title(known, {}, "random, seed 0"), tmp_path)
    source = (tmp_path / SOURCE).read_text()
    assert "nn.Linear(4, 5)" in source
    assert "num_classes" not in source


def test_features(made: Generated) -> None:
    given, expected = arrays(made)
    found = made.module.load(features=True)(given)
    assert list(found) == ["features", "stem", "block", "logits"]
    assert found["features"].shape == (3, 4)
    torch.testing.assert_close(found["logits"], expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found["block"].mean((2, 3)), found["features"])


def test_loading_is_strict(made: Generated, tmp_path: Path) -> None:
    state = load_file(made.path.with_suffix(".safetensors"))
    del state["stem.conv.weight"]
    save_file(state, tmp_path / "fewer.safetensors")
    with pytest.raises(RuntimeError, match=r"Missing key.*stem\.conv\.weight"):
        made.module.load(tmp_path / "fewer.safetensors")


def test_arrays_of_numpy(made: Generated) -> None:
    """As MMdnn's own products are loaded."""
    assert_right(made, made.module.KitModel(made.path.with_suffix(".npy")))
    assert_right(made, made.module.KitModel(str(made.path.with_suffix(".npy"))))


def test_names_of_tensorflow_go_with_the_weights(made: Generated) -> None:
    with safe_open(made.path.with_suffix(".safetensors"), "np") as file:
        names = json.loads(file.metadata()["tensorflow"])
        assert names["stem.conv.weight"] == {"variable": "net/stem/weights", "view": []}
        assert set(file.keys()) - set(names) == {f"block.{index}.bn.weight" for index in range(2)}  # it has no gamma


def test_source_needs_torch_alone(made: Generated, tmp_path: Path) -> None:
    code = "import converted_pytorch as c; c.Net()(__import__('torch').zeros(1, 3, 9, 9))"
    run_python(code, hide=(*ONLY_TORCH, "numpy"), cwd=tmp_path, PYTHONPATH=str(made.path.parent))


def check(made: Generated, folder: Path) -> subprocess.CompletedProcess[str]:
    for file in made.path.parent.glob("converted_pytorch*"):
        if not (folder / file.name).exists():
            (folder / file.name).write_bytes(file.read_bytes())
    command = [sys.executable, "converted_pytorch.py", "--check"]
    return subprocess.run(
        command, cwd=folder, env=child_environment(PYTHONPATH=""), capture_output=True, text=True, check=False
    )


def test_self_test_passes(made: Generated, tmp_path: Path) -> None:
    done = check(made, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "tolerance" in done.stdout


@pytest.mark.parametrize("damage", [1e-3, float("nan")])
def test_self_test_fails_for_other_weights(made: Generated, tmp_path: Path, damage: float) -> None:
    state = load_file(made.path.with_suffix(".safetensors"))
    state["logits.bias"][0] += damage
    save_file(state, tmp_path / "converted_pytorch.safetensors")
    done = check(made, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "tolerance" in done.stdout


def test_pickle_loads_anywhere(made: Generated, tmp_path: Path) -> None:
    """In a process that has nothing but torch, away from the source; it can be copied, saved, read and compiled."""
    folder = made.path.parent
    code = (
        USE
        + COMPARE.format("network")
        + "import copy, inspect\n"
        + COMPARE.format("copy.deepcopy(network)")
        + "assert 'def forward' in inspect.getsource(type(network))\n"
        + "assert inspect.getsource(type(network.stem)).startswith('class ConvBnRelu')\n"
        + "torch.save(network, 'again.pth')\n"
        + COMPARE.format("torch.load('again.pth', weights_only=False)")
        + "network.load_state_dict(network.state_dict())\n"
        + "assert not network.training and network.stem.conv.weight.requires_grad\n"
        + "assert not network.block[0].bn.weight.requires_grad\n"
        + "assert not [name for name in sys.modules if name.split('.')[0] in ('safetensors', 'tf2torch')]\n"
    )
    (tmp_path / "moved.pth").write_bytes((folder / "converted_pytorch.pth").read_bytes())
    given = (tmp_path / "moved.pth", folder / "given.npy", folder / "expected.npy")
    run_python(code, *given, hide=ONLY_TORCH, cwd=tmp_path, PYTHONPATH="")
    again = (tmp_path / "again.pth", *given[1:])
    code = USE + COMPARE.format("network") + COMPARE.format("torch.compile(network, backend='eager')")
    run_python(code, *again, hide=("safetensors", "tf2torch"), cwd=tmp_path, PYTHONPATH="")  # dynamo looks for others


def test_two_networks_in_one_process(made: Generated, tmp_path: Path) -> None:
    """Pickles of two sources do not get into each other's way."""
    net, graph = small(channels=6)
    other = generate(graph, net, tmp_path)
    emit.build(other.path, tmp_path, ())
    first, second = (torch.load(path.with_suffix(".pth"), weights_only=False) for path in (made.path, other.path))
    assert_right(made, first)
    with torch.inference_mode():
        torch.testing.assert_close(second(net.values[graph.inputs[0]]), net.values[graph.outputs[0]])
    assert_right(made, copy.deepcopy(first))


def test_exported_program_takes_any_batch(made: Generated) -> None:
    program = torch.export.load(made.path.with_suffix(".pt2")).module()
    assert_right(made, program)
    for size in (1, 2, 7):
        given = torch.rand(size, 3, 8, 8)
        torch.testing.assert_close(program(given), made.network(given))


def test_training(made: Generated) -> None:
    """Statistics move by 1 - decay, and what TensorFlow does not train stays as it is."""
    network = made.module.load().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    given, _ = arrays(made)
    inner = torch.nn.functional.conv2d(given, network.stem.conv.weight, padding=1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network(given).square().sum().backward()
    optimizer.step()
    after = network.state_dict()
    moved = 0.9 * before["stem.bn.running_mean"] + 0.1 * inner.mean((0, 2, 3)).detach()
    torch.testing.assert_close(after["stem.bn.running_mean"], moved)
    assert [unit.bn.momentum for unit in network.block] == [0.25, 0.25]
    same = {key for key, value in before.items() if torch.equal(value, after[key])}
    assert same == {"block.0.bn.weight", "block.1.bn.weight"}
