"""Gradients of a fixed projection of the outputs: what training would see, against what TensorFlow's would."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tf2torch.details import Sketch
from tf2torch.errors import ParityError
from tf2torch.evaluate.network import Network, memory_errors
from tf2torch.evaluate.parity import sketched
from tf2torch.ir.correspondence import Correspondence
from tf2torch.ir.types import Ref

Array = np.ndarray[Any, Any]
Row = dict[str, Any]

COSINE = 0.99  # in float32 no more can be asked: where a ReLU or a maximum has a tie within rounding, gradients flip
NEGLIGIBLE = 1e-5  # of the largest gradient: a variable with less is compared on that scale, since it may well be 0


@dataclass(frozen=True, slots=True)
class Gradients:
    """Of sum(output * projection) over all outputs."""

    outputs: list[Tensor]  # in TensorFlow's order of axes, as are the gradients
    inputs: list[Array]  # zeros for an input of integers
    variables: dict[str, Tensor]  # by TensorFlow's name; of those that are trainable parameters


def compute(
    network: Network, inputs: Sequence[Array], projections: Sequence[Array], correspondence: Correspondence
) -> Gradients:
    """Runs the network forwards and backwards. Raises ParityError if an output has not the shape of its projection."""
    with differentiable(network.module):
        return _compute(network, inputs, projections, correspondence)


def _compute(
    network: Network, inputs: Sequence[Array], projections: Sequence[Array], correspondence: Correspondence
) -> Gradients:
    tensors = network.feed(inputs)
    floats = [tensor.requires_grad_() for tensor in tensors if tensor.is_floating_point()]
    outputs = network.run(tensors)
    weights = [torch.from_numpy(array).to(network.device) for array in projections]
    for output, weight in zip(outputs, weights, strict=True):
        if output.shape != weight.shape:
            raise ParityError(f"An output has the shape {list(output.shape)}, not {list(weight.shape)}.")
    loss = torch.stack([(output * weight).sum() for output, weight in zip(outputs, weights, strict=True)]).sum()
    named = trainable(network.module, correspondence)
    parameters = list(dict.fromkeys(parameter for _, parameter in named.values()))
    with memory_errors():
        found = torch.autograd.grad(loss, [*floats, *parameters], allow_unused=True, materialize_grads=True)
    gradients = dict(zip(parameters, found[len(floats) :], strict=True))
    variables: dict[str, Tensor] = {}
    for ref, parameter in dict.fromkeys(named.values()):  # a tied parameter once, a variable in two parameters twice
        gradient = ref.view.inverse().apply(gradients[parameter])
        variables[ref.tensor] = variables[ref.tensor] + gradient if ref.tensor in variables else gradient
    of_inputs = dict(zip(floats, found[: len(floats)], strict=True))
    return Gradients(
        [output.detach() for output in outputs],
        [
            view.inverse().apply(of_inputs.get(tensor, torch.zeros(tensor.shape))).cpu().numpy()
            for view, tensor in zip(network.inputs, tensors, strict=True)
        ],
        variables,
    )


@contextmanager
def differentiable(module: nn.Module) -> Iterator[None]:
    """CuDNN has no way back through an RNN in evaluation mode; torch's own kernels have."""
    has_rnn = any(isinstance(inner, nn.RNNBase) for inner in module.modules())
    with torch.backends.cudnn.flags(enabled=False, allow_tf32=False) if has_rnn else nullcontext():
        yield


def trainable(module: nn.Module, correspondence: Correspondence) -> dict[str, tuple[Ref, nn.Parameter]]:
    """The trainable parameters that are variables of TensorFlow's, by their keys in the state dict."""
    named = dict(module.named_parameters(remove_duplicate=False))
    return {
        key: (parameter.ref, named[key])
        for key, parameter in correspondence.parameters.items()
        if key in named and named[key].requires_grad
    }


def of_inputs(ours: Sequence[Array], theirs: Sequence[Array]) -> list[Row]:
    """Whole gradients with respect to the inputs. Judged by their direction alone."""
    return [_direction(mine, yours) for mine, yours in zip(ours, theirs, strict=True)]


def of_variables(ours: Mapping[str, Tensor], theirs: Mapping[str, Sketch]) -> dict[str, Any]:
    """Sketches of the gradients with respect to the variables that TensorFlow trains; the worst one is named."""
    rows = {name: _of_variable(ours.get(name), sketch) for name, sketch in theirs.items()}
    worst = min(rows, key=lambda name: _rank(rows[name]), default=None)
    cosines = [row["cosine"] for row in rows.values() if row["cosine"] is not None]
    return {
        "passed": all(row["passed"] for row in rows.values()),
        "compared": len(rows),
        "cosine": min(cosines, default=None),
        "worst": worst and {"variable": worst, **rows[worst]},
        "failing": [{"variable": name, **row} for name, row in rows.items() if not row["passed"]][:10],
    }


def errors(ours: Mapping[str, Tensor], theirs: Mapping[str, Sketch]) -> dict[str, float]:
    """Relative error of each variable's gradient; infinity where there is none, or it is of another shape."""
    largest = max((float(np.abs(sketch.values).max(initial=0)) for sketch in theirs.values()), default=0.0)
    found = {}
    for name, sketch in theirs.items():
        values = sketched(ours[name], Ref(""), sketch)[1] if name in ours else None
        difference = math.inf if values is None else float(np.abs(values - sketch.values).max(initial=0))
        found[name] = difference / max(sketch.scale, NEGLIGIBLE * largest) if math.isfinite(difference) else math.inf
    return found


def _of_variable(ours: Tensor | None, sketch: Sketch) -> Row:
    if ours is None:
        return {"passed": False, "cosine": None, "relative_l2": None, "problem": "no trainable parameter"}
    shape, values = sketched(ours, Ref(""), sketch)
    if values is None:
        problem = f"shape {list(shape)}, not {list(sketch.shape)}"
        return {"passed": False, "cosine": None, "relative_l2": None, "problem": problem}
    row = _direction(values, sketch.values)
    small = bool(np.abs(values - sketch.values).max() <= sketch.tolerance * sketch.scale)
    return {**row, "passed": row["passed"] or small}


def _direction(ours: Array, theirs: Array) -> Row:
    """Cosine, share of equal signs, and the length of the difference relative to that of TensorFlow's gradient."""
    if ours.shape != theirs.shape:
        problem = f"shape {list(ours.shape)}, not {list(theirs.shape)}"
        return {"passed": False, "cosine": None, "relative_l2": None, "problem": problem}
    mine, yours = ours.astype(np.float64).ravel(), theirs.astype(np.float64).ravel()
    if not (np.isfinite(mine).all() and np.isfinite(yours).all()):
        return {"passed": False, "cosine": None, "relative_l2": None, "problem": "not a number"}
    lengths = float(np.linalg.norm(mine)), float(np.linalg.norm(yours))
    if 0 in lengths:
        return {"passed": lengths[0] == lengths[1], "cosine": None, "relative_l2": None, "norms": list(lengths)}
    cosine = min(float(mine @ yours) / (lengths[0] * lengths[1]), 1.0)
    return {
        "passed": cosine >= COSINE,
        "cosine": cosine,
        "same_sign": float(np.mean(np.sign(mine) == np.sign(yours))),
        "relative_l2": float(np.linalg.norm(mine - yours)) / lengths[1],
    }


def _rank(row: Row) -> tuple[bool, float]:
    """Those that fail first, then those that point elsewhere most."""
    return row["passed"], 1.0 if row["cosine"] is None else row["cosine"]
