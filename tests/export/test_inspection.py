from __future__ import annotations

import json
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tf2torch.export import graph as graphs
from tf2torch.export import inspection, sources
from tf2torch.export.candidates import Candidate
from tf2torch.export.definition import Tensor
from tf2torch.ir.printer import parse

GRAPH = """
    input %x: float32[?, 4]
    param %net/fc1/weights: float32[4, 3] trainable
    param %net/fc1/mean: float32[3] buffer
    param %net/fc2/weights: float32[3, 2] trainable
    %net/fc1/MatMul: float32[?, 3] = MatMul(%x, %net/fc1/weights, transpose_a=False, transpose_b=False)
    %net/fc1/Relu: float32[?, 3] = Relu(%net/fc1/MatMul)
    %net/fc1/odd: float32[?, 3] = NoSuchThing(%net/fc1/Relu)
    %net/fc1/odd_1: float32[?, 3] = NoSuchThing(%net/fc1/odd)
    %net/fc2/MatMul: float32[?, 2] = MatMul(%net/fc1/odd_1, %net/fc2/weights, transpose_a=False, transpose_b=False)
    output %net/fc2/MatMul
"""
SUPPORTED = GRAPH.replace("NoSuchThing", "Relu")


def describe(text: str) -> dict[str, Any]:
    graph = parse(text)
    weights = {
        param.ref.tensor: np.zeros([n or 1 for n in value.type.shape or ()]) for value, param in graph.params.items()
    }
    return inspection.describe("net", graph, weights)


def test_all_of_it_as_data() -> None:
    found = describe(GRAPH)
    assert found["inputs"] == [{"name": "x:0", "type": "float32[?, 4]", "dtype": "float32", "shape": [None, 4]}]
    assert [item["name"] for item in found["outputs"]] == ["net/fc2/MatMul:0"]
    assert found["operations"] == [
        {"op": "MatMul", "count": 2, "supported": True},
        {"op": "NoSuchThing", "count": 2, "supported": False},
        {"op": "Relu", "count": 1, "supported": True},
    ]
    assert found["parameters"] == [
        {"scope": "net/fc1", "trainable": 12, "other": 3},
        {"scope": "net/fc2", "trainable": 6, "other": 0},
    ]
    assert "NoSuchThing   2 nodes" in found["problem"]
    assert json.loads(json.dumps(found)) == found


def test_for_people() -> None:
    lines = inspection.lines(describe(GRAPH))
    assert lines[:3] == ["net", "  inputs      x:0  float32[?, 4]", "  outputs     net/fc2/MatMul:0  float32[?, 2]"]
    assert "    NoSuchThing      2  not supported" in lines
    assert "  18 trainable parameters, 3 others" in lines
    assert lines[-1].startswith("Cannot convert")
    assert inspection.lines(describe(SUPPORTED))[-1] == "The engine native can convert it."


def test_it_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    info = MappingProxyType({"output_chosen_by": "the user"})
    monkeypatch.setattr(sources, "load", lambda _: SimpleNamespace(inference=None, info=info))
    monkeypatch.setattr(sources, "inspect", lambda _: [Candidate(Tensor("fc2/MatMul"), (None, 2), 5)])
    monkeypatch.setattr(
        graphs,
        "read",
        lambda *_: (
            parse(SUPPORTED.replace("net/", "")),
            {"fc1/weights": np.zeros((4, 3)), "fc1/mean": np.zeros(3), "fc2/weights": np.zeros((3, 2))},
        ),
    )
    job: Any = SimpleNamespace(name="net", source="net.pb")
    assert inspection.show(job, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problem"] is None
    assert found["candidates"] == [{"name": "fc2/MatMul:0", "shape": [None, 2], "distance": 5}]
    assert [item["scope"] for item in found["parameters"]] == ["fc1", "fc2"]
    assert inspection.show(job, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "net"
    assert "  the output was chosen by the user; it could be (OUTPUT=):" in lines
    assert "    fc2/MatMul:0  [?, 2], 5 operations from the input" in lines
