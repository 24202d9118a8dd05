"""What TensorBoard is to show of a network of the PyTorch side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from tests.evaluate import small_network as small  # noqa: E402  # torch may be absent
from tf2torch.evaluate import board  # noqa: E402  # torch may be absent
from tf2torch.evaluate.network import Network  # noqa: E402  # torch may be absent

CPU = torch.device("cpu")


def record(module: Any) -> dict[str, Any]:
    return board.record(Network.of(module, CPU, small.CORRESPONDENCE), small.proof(small.record()))


def test_every_operation_is_a_node_of_its_module() -> None:
    nodes = {node["name"]: node for node in record(small.network())["graph"]}
    assert nodes["stem/conv/conv2d"] == {
        "name": "stem/conv/conv2d",
        "op": "conv2d",
        "inputs": ["stem/conv/pad:0", "stem/conv/weight:0"],
        "shapes": [[2, 8, 6, 6]],
    }
    assert nodes["stem/relu"]["inputs"] == ["stem/bn/batch_norm:0"]
    assert nodes["block/conv/conv2d_2"]["inputs"][0] == "block/leaky_relu:0"  # the second call, on what the first gave
    assert nodes["block/conv/conv2d_2"]["inputs"][1] == "block/conv/weight:0"  # with the same weights
    assert nodes["flatten"]["inputs"] == ["permute:0"]
    assert list(nodes)[-1] == "softmax/softmax"
    known = {f"{name}:{place}" for name, node in nodes.items() for place in range(len(node["shapes"]))}
    assert {given for node in nodes.values() for given in node["inputs"]} <= known


class Pair(torch.nn.Module):
    def forward(self, x: Any, scale: float = 2.0) -> Any:
        low, high = torch.split(x, [1, 1], dim=1)
        return torch.cat([high, low * scale], dim=1) + torch.ones(1)


def test_lists_of_tensors_and_constants() -> None:
    nodes = {node["name"]: node for node in board.graph(Pair(), [torch.zeros(2, 2)])}
    assert nodes["split"]["shapes"] == [[2, 1], [2, 1]]
    assert nodes["cat"]["inputs"] == ["split:1", "mul:0"]
    assert nodes["add"]["inputs"] == ["cat:0", "ones:0"]


def test_the_errors_of_each_call_in_order() -> None:
    errors = record(small.network())["errors"]
    names = ["stem.conv", "stem.bn", "stem", *["block.conv", "block"] * 2, "pool", "hidden", "logits", "softmax", ""]
    assert [row["module"] for row in errors] == names
    assert all(row["error"] <= row["tolerance"] for row in errors)
    assert all(sum(row["counts"]) == sum(row["counts"][:15]) for row in errors)  # less than 1e-4.5
    assert sum(errors[0]["counts"]) == 400


def test_a_wrong_module_shows() -> None:
    weights = small.state()
    weights["block.conv.bias"] = weights["block.conv.bias"] + 0.1
    errors = record(small.network(weights=weights))["errors"]
    wrong = [row["module"] for row in errors if row["error"] > row["tolerance"]]
    assert wrong[0] == "block.conv"
    assert sum(errors[3]["counts"][18:]) > 300  # most elements by more than a thousandth


def test_numbers_that_are_none() -> None:
    weights = small.state()
    weights["block.conv.bias"] = weights["block.conv.bias"] * float("nan")
    errors = record(small.network(weights=weights))["errors"]
    assert errors[3]["counts"][-1] == 400
    assert json.loads(json.dumps(errors, allow_nan=False)) == errors


def test_a_network_that_does_not_run_has_no_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = small.network({"flatten(1)": "flatten(0)"})
    board.attempt(lambda: broken, CPU, small.proof(small.record()), tmp_path)
    assert not list(tmp_path.iterdir())
    assert "no graph for TensorBoard: mat1" in capsys.readouterr().err
