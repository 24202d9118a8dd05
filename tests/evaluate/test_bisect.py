"""BISECT=1: every module is fed with TensorFlow's own tensors, and fails for its own faults alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tf2torch.details import Details

torch = pytest.importorskip("torch")
from tests.evaluate import small_network as small  # noqa: E402  # torch may be absent
from tf2torch.evaluate import proof as proving  # noqa: E402  # torch may be absent
from tf2torch.evaluate import proof_report  # noqa: E402  # torch may be absent
from tf2torch.evaluate.network import Network  # noqa: E402  # torch may be absent


@pytest.fixture(scope="module")
def details() -> Details:
    """With whole tensors, as the export records them for BISECT=1."""
    recorded = small.record()
    whole = small.run(recorded.inputs[0], recorded.projections[0], torch.float32).tensors
    sketches = {
        name: replace(sketch, indices=np.arange(whole[name].size), values=whole[name].ravel())
        for name, sketch in recorded.tensors.items()
    }
    return replace(recorded, tensors=sketches, gradients=None, exact=None)


def modules(details: Details, model: Any, *, bisect: bool = True) -> dict[str, Any]:
    network = Network.of(model, torch.device("cpu"), small.CORRESPONDENCE)
    found: dict[str, Any] = proving.prove(network, replace(small.proof(details), bisect=bisect))["modules"]
    return found


def failing(part: dict[str, Any]) -> list[tuple[str, int]]:
    return [(row["path"], row["call"]) for row in part["rows"] if row["passed"] is False]


def shown(part: dict[str, Any]) -> tuple[list[str], list[tuple[str, str, bool]]]:
    entry = {"parameters": 1, **dict.fromkeys(proving.PARTS), "modules": part}
    return proof_report.markdown("net", entry), proof_report.lines(entry)


def test_a_right_network(details: Details) -> None:
    found = modules(details, small.network())
    assert found["passed"]
    assert found["by_itself"]["passed"]
    assert found["by_itself"]["compared"] == found["compared"] == 12
    text, lines = shown(found)
    assert "Each by itself, fed with TensorFlow's own tensors: all 12 agree." in text
    assert lines[1] == ("by itself", "all 12 agree", True)


def test_without_bisect_nothing_is_replaced(details: Details) -> None:
    assert "by_itself" not in modules(details, small.network(), bisect=False)


def test_two_mistakes_are_two_modules_and_no_more(details: Details) -> None:
    found = modules(details, small.network({"eps=0.001": "eps=1e-5", "nn.Linear(72, 72)": "WithRelu(72, 72)"}))
    assert failing(found) == [
        *(("stem.bn", 1), ("stem", 1), ("block.conv", 1), ("block", 1), ("block.conv", 2), ("block", 2)),
        *(("pool", 1), ("hidden", 1), ("logits", 1), ("softmax", 1), ("", 1)),
    ]
    assert failing(found["by_itself"]) == [("stem.bn", 1), ("hidden", 1)]
    text, lines = shown(found)
    assert next(line for line in text if line.startswith("* ")).startswith("* stem.bn (FusedBatchNormV3")
    assert lines[2] == ("by itself", "stem.bn, hidden", False)


def test_a_fault_of_a_block_itself(details: Details) -> None:
    found = modules(details, small.network({"relu(self.bn(self.conv(x)))": "self.bn(self.conv(x))"}))
    assert failing(found["by_itself"]) == [("stem", 1)]


def test_a_wrong_shape_does_not_stop_the_others(details: Details) -> None:
    found = modules(details, small.network({"3, padding=1)": "3, stride=2, padding=1)"}))
    assert found["stopped"] is not None
    assert found["by_itself"]["stopped"] is None
    assert failing(found["by_itself"]) == [("block.conv", 1), ("block.conv", 2)]


def test_what_is_replaced_is_not_changed_in_place(details: Details) -> None:
    before = {name: sketch.values.copy() for name, sketch in details.tensors.items()}
    modules(details, small.network({"leaky_relu(self.conv(x), 0.2)": "leaky_relu(self.conv(x), 0.2).mul_(2)"}))
    assert all(np.array_equal(sketch.values, before[name]) for name, sketch in details.tensors.items())


def test_a_tensor_that_is_not_known_whole_stays_ours(details: Details) -> None:
    sketch = details.tensors["stem/Relu:0"]
    part = replace(sketch, indices=sketch.indices[:20], values=sketch.values[:20])
    changed = replace(details, tensors={**details.tensors, "stem/Relu:0": part})
    found = modules(changed, small.network({"relu(self.bn(self.conv(x)))": "self.bn(self.conv(x))"}))
    assert failing(found["by_itself"]) == [("stem", 1), ("block.conv", 1)]


def test_several_tensors_keep_their_structure(details: Details) -> None:
    pair = {
        "return leaky_relu(self.conv(x), 0.2)": "return {'y': [leaky_relu(self.conv(x), 0.2)], 'x': x}",
        "self.block(self.block(self.stem(x)))": "self.block(self.block(self.stem(x))['y'][0])['y'][0]",
    }
    known = tuple(
        replace(module, outputs=(*module.outputs, None)) if module.path == "block" else module
        for module in small.MODULES
    )
    network = Network.of(small.network(pair), torch.device("cpu"), small.CORRESPONDENCE)
    proof = replace(small.proof(details), correspondence=replace(small.CORRESPONDENCE, modules=known), bisect=True)
    found = proving.prove(network, proof)["modules"]
    assert found["passed"]
    assert found["by_itself"]["passed"]
