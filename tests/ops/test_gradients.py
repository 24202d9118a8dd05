"""Gradients of the first output of each op's first case, with respect to its float inputs, against TensorFlow's."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from tests.ops.case import Case, Static
from tests.ops.cases import CASES
from tests.ops.compute import build, expected, moved, prepare, required
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir.interpret import evaluate
from tf2torch.ops import registry

registered: Any = importlib.import_module("tensorflow.python.framework.ops").gradient_registry

DIFFERENT = {
    "CropAndResize": "of boxes that end in the middle of a pixel or outside of the image, where it jumps",
    "FakeQuantWithMinMaxVars": "torch has none for the limits",
    "FakeQuantWithMinMaxVarsPerChannel": "torch has none for the limits",
    "HSVToRGB": "TensorFlow has none",
    "Igamma": "torch has none for a",
    "Igammac": "torch has none for a",
    "MulNoNan": "infinite where an operand is",
    "PreventGradient": "TensorFlow forbids it",
    "RGBToHSV": "of greys, where it jumps",
    "Xlog1py": "where x is 0 TensorFlow's is 0, torch's the logarithm",
    "Xlogy": "where x is 0 TensorFlow's is 0, torch's the logarithm",
    "Zeta": "torch has none for q",
}


def _cases() -> Iterator[Case]:
    """The first row of each op that TensorFlow can differentiate, that with its defaults if there is one."""
    rows: dict[str, Case] = {}
    for case in sorted(CASES, key=lambda case: set(case.attrs) != required(case.op)):
        if case.refuse is None and not case.random and "data_format" not in case.attrs:
            rows.setdefault(case.op, case)
    return (case for op, case in rows.items() if op not in DIFFERENT and _has_gradient(op))


def _has_gradient(op: str) -> bool:
    try:
        return registered.lookup(op) is not None
    except LookupError:
        return False


@pytest.mark.parametrize("case", list(_cases()), ids=lambda case: case.op)
def test_gradients_are_those_of_tensorflow(case: Case) -> None:
    output = expected(case)[0]
    if not np.issubdtype(output.dtype, np.floating):
        return
    projection = np.random.default_rng(0).uniform(-1, 1, output.shape).astype(output.dtype)
    for found, wanted in zip(_actual(case, projection), _expected(case, projection), strict=True):
        scale = max(1e-30, np.abs(wanted).max(initial=0.0))
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * scale)


def _expected(case: Case, projection: Any) -> list[Any]:
    graph, feeds, (output, *_) = build(case)
    floats = [placeholder for placeholder in feeds if placeholder.dtype.is_floating]
    with graph.as_default():
        found = tf.gradients(output * projection, floats, unconnected_gradients="zero")
        dense = [tf.convert_to_tensor(gradient) for gradient in found]  # those of Gather are sparse
    with session(graph) as running:
        return list(running.run(dense, feeds))


def _actual(case: Case, projection: Any) -> list[Any]:
    node, tensors = prepare(case)
    fed = [value for value, is_fed in zip(node.inputs, _fed(case), strict=True) if is_fed]
    floats = [value for value in fed if tensors[value].is_floating_point()]
    for value in floats:
        tensors[value].requires_grad_()
    output = evaluate(registry.lower(node)[0], tensors)
    output = output.movedim(1, -1) if moved(case) and output.ndim > 2 else output
    if floats and output.requires_grad:
        (output * torch.from_numpy(projection)).sum().backward()
    gradients = [
        torch.zeros_like(tensors[value]) if tensors[value].grad is None else tensors[value].grad for value in floats
    ]
    return [
        gradient.movedim(1, -1) if value.name in moved(case) and gradient.ndim > 2 else gradient
        for value, gradient in zip(floats, gradients, strict=True)
    ]


def _fed(case: Case) -> list[bool]:
    """Of the tensors of the node, which are fed and which are constants."""
    statics = registry.handlers()[case.op].statics
    given = [value for name, value in case.inputs.items() if name not in statics]
    return [not isinstance(item, Static) for value in given for item in (value if isinstance(value, list) else [value])]
