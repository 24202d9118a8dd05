"""A right network, and the same with mistakes in it: each is pinned to its module, with the hint that names it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tf2torch.details import Details, Gradients
from tf2torch.errors import ParityError
from tf2torch.ir.correspondence import Parameter
from tf2torch.ir.types import Ref
from tf2torch.job import Job

torch = pytest.importorskip("torch")
from tests.evaluate import small_network as small  # noqa: E402  # torch may be absent
from tf2torch.evaluate import evaluation, gradients, proof_report  # noqa: E402  # torch may be absent
from tf2torch.evaluate.network import Network  # noqa: E402  # torch may be absent
from tf2torch.evaluate.proof import PARTS, Proof  # noqa: E402  # torch may be absent

CPU = torch.device("cpu")
Compare = Callable[..., Any]


@pytest.fixture(scope="module")
def details() -> Details:
    return small.record()


@pytest.fixture
def compare(new_job: Callable[..., Job], details: Details) -> Compare:
    """Of a model, against the details with changes."""
    job = new_job(input_size=small.SIZE, classes=11)

    def run(model: Any, proof: Proof | None = None, **changes: Any) -> Any:
        proof = replace(proof or small.proof(details), details=replace(details, **changes))
        result = evaluation.compare(model, None, job, CPU, proof)
        assert json.loads(json.dumps(result, allow_nan=False)) == result
        assert all(part in result for part in PARTS)
        rows = [line for line in proof_report.markdown("net", result) if line.startswith("|")]
        assert all(row.endswith("|") for row in rows)
        assert all(figures for _, figures, _ in proof_report.lines(result))
        return result

    return run


def test_a_right_network_passes(compare: Compare) -> None:
    result = compare(small.network())
    assert result["passed"]
    assert list(result["comparisons"]) == ["batch 1", "batch 2", "size 14x14"]
    assert all(result[part]["passed"] for part in PARTS)
    modules = result["modules"]
    calls = ["stem.conv", "stem.bn", "stem", *["block.conv", "block"] * 2, "pool", "hidden", "logits", "softmax", ""]
    assert [row["path"] for row in modules["rows"]] == calls
    assert [row["call"] for row in modules["rows"] if row["path"] == "block"] == [1, 2]
    assert (modules["compared"], modules["first_diverging"], modules["stopped"]) == (12, None, None)
    assert result["gradients"]["inputs"][0]["cosine"] == pytest.approx(1)
    assert result["gradients"]["variables"]["compared"] == 8
    assert max(result["float64"]["errors"].values()) < 1e-13
    assert result["trainable"]["trainable"] == result["trainable"]["tensorflow"]
    assert proof_report.parameters(result) == "0.0 M parameters, 0 baked"
    assert proof_report.cosine(result) == ["grad cos 1.000000"]


# What of the source is replaced and by what; the call that it is pinned to; words of the hint
CONV = "nn.Conv2d(8, 8, 3, padding=1)"
MISTAKES = {
    "symmetric padding": ("pad(x, (0, 1, 0, 1))", "pad(x, (1, 1, 1, 1))", ("stem.conv", 1), "asymmetric SAME"),
    "padding's values": ("3, padding=1)", "3, padding=1, padding_mode='reflect')", ("block.conv", 1), "SAME pads"),
    "epsilon": ("eps=0.001", "eps=1e-5", ("stem.bn", 1), "epsilon"),
    "no ReLU": ("relu(self.bn(self.conv(x)))", "self.bn(self.conv(x))", ("stem", 1), "activation is missing"),
    "a ReLU too many": ("nn.Linear(72, 72)", "WithRelu(72, 72)", ("hidden", 1), "too many"),
    "default alpha": ("leaky_relu(self.conv(x), 0.2)", "leaky_relu(self.conv(x))", ("block", 1), "alpha"),
    "padding counted": (", count_include_pad=False", "", ("pool", 1), "count_include_pad=False"),
    "no bias": (CONV, "WithoutBias(8, 8, 3, padding=1)", ("block.conv", 1), "bias is missing"),
    "order of flatten": (".permute(0, 2, 3, 1).flatten(1)", ".flatten(1)", ("hidden", 1), "channels-first"),
    "axis of softmax": ("nn.Softmax(1)", "nn.Softmax(0)", ("softmax", 1), "order of the axes"),
    "dilation": (CONV, "nn.Conv2d(8, 8, 3, padding=2, dilation=2)", ("block.conv", 1), "dilation"),
    "second call": ("self.block(self.block(", "self.block(1.5 * self.block(", ("block.conv", 2), ""),
}


@pytest.mark.parametrize(("before", "after", "call", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_source(compare: Compare, before: str, after: str, call: tuple[str, int], hint: str) -> None:
    result = compare(small.network({before: after}))
    assert not result["passed"]
    first = result["modules"]["first_diverging"]
    assert (first["path"], first["call"]) == call
    assert hint in first["hint"]
    assert first["error"] > first["tolerance"]
    assert first["differing"] > 0
    assert first["ours"] != first["theirs"]
    (text,) = [line for line in proof_report.markdown("net", result) if "The first that differs" in line]
    assert f"{first['path']}{', call 2' if first['call'] == 2 else ''} (" in text
    assert first["nodes"][-1] in text


MIXED_UP = {
    "linear transposed": ("hidden.weight", lambda weight: weight.T, "hidden", r"\[in, out\] becomes \[out, in\]"),
    "kernel's axes swapped": ("block.conv.weight", lambda weight: weight.transpose(2, 3), "block.conv", "HWIO"),
    "kernel's channels swapped": ("block.conv.weight", lambda weight: weight.transpose(0, 1), "block.conv", "HWIO"),
    "negative variance": ("stem.bn.running_var", lambda variance: -variance, "stem.bn", "mean and variance"),
    "no number": ("hidden.weight", lambda weight: weight * float("nan"), "hidden", "not loaded"),
    "twice as much": ("logits.weight", lambda weight: 2 * weight, "logits", ""),
}


@pytest.mark.parametrize(("key", "change", "path", "hint"), MIXED_UP.values(), ids=MIXED_UP)
def test_a_mistake_in_the_weights(
    compare: Compare, key: str, change: Callable[[Any], Any], path: str, hint: str
) -> None:
    weights = small.state()
    weights[key] = change(weights[key])
    result = compare(small.network(weights=weights))
    assert not result["passed"]
    first = result["modules"]["first_diverging"]
    assert first["path"] == path
    assert re.search(hint, first["hint"])


def test_the_nodes_of_parts_that_agree_are_not_suspected(compare: Compare) -> None:
    first = compare(small.network({"relu(self.bn(self.conv(x)))": "self.bn(self.conv(x))"}))["modules"][
        "first_diverging"
    ]
    assert (first["ops"], first["nodes"]) == (["Relu"], ["stem/Relu"])


def test_a_wrong_shape_stops_the_network(compare: Compare) -> None:
    result = compare(small.network({"3, padding=1)": "3, stride=2, padding=1)"}))
    modules = result["modules"]
    assert not result["passed"]
    assert modules["first_diverging"]["path"] == "block.conv"
    assert modules["first_diverging"]["problem"] == "shape [2, 3, 3, 8], not [2, 6, 6, 8]"
    assert "stride" in modules["first_diverging"]["hint"]
    assert "cannot be multiplied" in modules["stopped"]
    assert [row["path"] for row in modules["rows"] if row.get("problem") == "not reached"] == [
        *("hidden", "logits", "softmax", "")
    ]
    for part in (*result["comparisons"].values(), result["gradients"], result["float64"]):
        assert not part["passed"]
        assert "cannot be multiplied" in part["problem"]


def test_a_wrong_rank(compare: Compare) -> None:
    result = compare(small.network(), outputs=(np.zeros((2, 11, 1)),))
    assert not result["passed"]
    assert result["comparisons"]["batch 2"]["wanted_shape"] == [2, 11, 1]


@pytest.mark.parametrize("after", ["(x, x)", "{'logits': x}"])
def test_a_module_that_returns_something_else(compare: Compare, after: str) -> None:
    with pytest.raises(ParityError, match="The model gives a"):
        compare(small.network({"return self.softmax(self.logits(x))": f"return {after}"}))


def test_a_module_that_is_not_there(compare: Compare, details: Details) -> None:
    wrong = replace(small.MODULES[0], path="stem.nothing")
    proof = replace(small.proof(details), correspondence=replace(small.CORRESPONDENCE, modules=(wrong,)))
    with pytest.raises(ParityError, match=r"no module stem\.nothing.*make convert FROM=codegen"):
        compare(small.network(), proof)


def test_what_tensorflow_has_not_recorded_is_not_compared(compare: Compare, details: Details) -> None:
    tensors = {name: sketch for name, sketch in details.tensors.items() if not name.startswith("block_1")}
    result = compare(small.network(), tensors=tensors, gradients=None, exact=None, size=None, single=())
    assert result["passed"]
    assert result["modules"]["compared"] == 10
    assert [row["passed"] for row in result["modules"]["rows"] if row["path"] == "block"] == [None, True]
    assert (result["gradients"], result["float64"]) == (None, None)
    assert list(result["comparisons"]) == ["batch 2"]


def test_nothing_compared_is_no_proof(compare: Compare) -> None:
    assert not compare(small.network(), tensors={})["modules"]["passed"]


def test_a_module_that_returns_more_than_tensorflow_has(compare: Compare, details: Details) -> None:
    """Several tensors, of which one is none of TensorFlow's."""
    pair = {
        "return leaky_relu(self.conv(x), 0.2)": "return leaky_relu(self.conv(x), 0.2), x",
        "self.block(self.block(self.stem(x)))": "self.block(self.block(self.stem(x))[0])[0]",
    }
    result = compare(small.network(pair))
    assert result["modules"]["first_diverging"]["problem"] == "returns 2 tensors, not 1"
    modules = tuple(
        replace(module, outputs=(*module.outputs, None)) if module.path == "block" else module
        for module in small.MODULES
    )
    proof = replace(small.proof(details), correspondence=replace(small.CORRESPONDENCE, modules=modules))
    assert compare(small.network(pair), proof)["passed"]


def test_a_call_that_nobody_knows_is_no_fault_of_its_own(compare: Compare) -> None:
    again = small.network({"x = self.pool(": "self.block(self.stem(x))\n        x = self.pool("})
    first = compare(again)["modules"]["first_diverging"]
    assert (first["path"], first["call"]) == ("block.conv", 2)  # which was the first to be called with other values


# ---- gradients and parameters


def test_an_rnn_is_run_by_kernels_that_have_a_way_back() -> None:
    enabled = []

    class Recurrent(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(3, 4, batch_first=True)

        def forward(self, x: Any) -> Any:
            enabled.append(torch.backends.cudnn.enabled)
            return self.lstm(x)[0]

    known = replace(small.CORRESPONDENCE, inputs=(Ref("x:0"),), parameters={})
    network = Network.of(Recurrent().eval(), CPU, known)
    inputs, projections = np.ones((2, 5, 3), np.float32), np.ones((2, 5, 4), np.float32)
    assert gradients.compute(network, [inputs], [projections], known).inputs[0].shape == (2, 5, 3)
    assert (enabled, torch.backends.cudnn.enabled) == ([False], True)


def test_a_gradient_in_another_direction(compare: Compare) -> None:
    """The values are right, the way back is not."""
    result = compare(small.network({"relu(self.hidden(": "relu(1 * self.hidden(", "x[:, :, :3": "x.detach()[:, :, :3"}))
    assert result["modules"]["passed"]
    assert not result["passed"]
    found = result["gradients"]
    assert (found["inputs"][0]["passed"], found["inputs"][0]["norms"][0]) == (False, 0.0)
    failing = {row["variable"] for row in found["variables"]["failing"]}
    assert failing == {"stem/weights", "stem/BatchNorm/beta", "block/weights", "block/biases"}
    assert found["variables"]["worst"]["variable"] in failing
    assert proof_report.cosine(result) == ["grad cos none"]


def test_a_gradient_that_is_a_little_off_fails_only_in_float64(compare: Compare) -> None:
    off = "relu(x * (1 + 1e-8) - x.detach() * 1e-8)"
    result = compare(small.network({"return self.softmax(self.logits(x))": f"return self.softmax(self.logits({off}))"}))
    assert [result[part]["passed"] for part in PARTS] == [True, True, True, False]
    assert 1e-9 < result["float64"]["errors"]["input gradients"] < 1e-7
    assert result["float64"]["errors"]["outputs"] < 1e-13


def test_a_constant_in_float32_shows_in_float64(compare: Compare) -> None:
    """0.001 as a float32 is 0.0010000000474974513."""
    result = compare(small.network({"eps=0.001": "eps=0.0010000000474974513"}))
    assert [result[part]["passed"] for part in PARTS] == [True, True, True, False]
    assert max(result["float64"]["errors"].values()) > 1e-10


def test_float32_in_the_source_is_meant_of_float64(compare: Compare) -> None:
    casts = "x.float() + torch.zeros(1, dtype=torch.float32) + torch.tensor([0.0])"
    result = compare(
        small.network({"self.softmax(self.logits(x))": f"self.softmax(self.logits({casts}).to(torch.float32))"})
    )
    assert result["passed"]
    assert torch.get_default_dtype() == torch.float32


def test_gradients_that_are_zero(compare: Compare, details: Details) -> None:
    assert details.gradients is not None
    zeros = {
        name: replace(sketch, values=np.zeros_like(sketch.values))
        for name, sketch in details.gradients.variables.items()
    }
    result = compare(small.network(), gradients=Gradients(details.gradients.inputs, zeros))
    assert not result["gradients"]["passed"]
    assert result["gradients"]["variables"]["worst"]["cosine"] is None
    dead = small.network({"self.softmax(self.logits(x))": "self.softmax(0 * self.logits(x))"})
    result = compare(dead, gradients=Gradients((np.zeros_like(details.inputs[0]),), zeros))
    assert result["gradients"]["passed"]


def test_a_weight_that_is_no_parameter(compare: Compare) -> None:
    model = small.network()
    bias = model.logits.bias.detach().clone()
    del model.logits.bias
    model.logits.register_buffer("bias", bias)
    result = compare(model)
    assert result["modules"]["passed"]
    assert (result["trainable"]["passed"], result["trainable"]["baked"]) == (False, 11)
    assert result["trainable"]["baked_variables"] == ["logits/biases"]
    assert result["gradients"]["variables"]["worst"]["problem"] == "no trainable parameter"
    assert not result["passed"]
    assert "11 baked" in proof_report.parameters(result)


@pytest.mark.parametrize("trains", [True, False])
def test_parameters_that_train_or_do_not(compare: Compare, trains: bool) -> None:
    model = small.network()
    (model.stem.bn.weight if trains else model.hidden.weight).requires_grad_(trains)
    trainable = compare(model)["trainable"]
    assert not trainable["passed"]
    assert trainable["trainable"] - trainable["tensorflow"] == (8 if trains else -72 * 72)
    assert trainable["baked"] == (0 if trains else 72 * 72)


def test_a_variable_in_two_parameters_and_a_parameter_under_two_keys(compare: Compare, details: Details) -> None:
    """Their gradients add up as TensorFlow's do."""
    model = small.network()
    model.again = model.block
    parameters = {
        **small.PARAMETERS,
        "again.conv.weight": Parameter(Ref("block/weights", small.OIHW), "trainable"),
        "again.conv.bias": Parameter(Ref("block/biases"), "trainable"),
    }
    proof = replace(small.proof(details), correspondence=replace(small.CORRESPONDENCE, parameters=parameters))
    assert compare(model, proof)["passed"]
    untied = small.network(
        {
            "self.block(self.block(": "self.again(self.block(",
            "self.pool = ": "self.again = Block()\n        self.pool = ",
        },
        {
            **small.state(),
            **{
                f"again.{key.removeprefix('block.')}": value
                for key, value in small.state().items()
                if key.startswith("block.")
            },
        },
    )
    modules = tuple(
        replace(module, path=module.path.replace("block", "again"))
        if module.outputs[0].tensor.startswith("block_2")
        else module
        for module in small.MODULES
    )
    proof = replace(proof, correspondence=replace(proof.correspondence, modules=modules))
    result = compare(untied, proof)
    assert result["modules"]["passed"]
    assert result["gradients"]["passed"]
    assert result["trainable"]["trainable"] > result["trainable"]["tensorflow"]
    assert not result["passed"]


# ---- what is looked into


def test_only_what_is_wrong_is_looked_into_again(new_job: Callable[..., Job], details: Details) -> None:
    job, proof = new_job(), small.proof(details)
    right = evaluation.compare(small.network(), None, job, CPU, proof, look_inside=False)
    assert right["passed"]
    assert all(right[part] is None for part in PARTS)
    wrong = evaluation.compare(small.network({"eps=0.001": "eps=1e-5"}), None, job, CPU, proof, look_inside=False)
    assert wrong["modules"]["first_diverging"]["path"] == "stem.bn"
