"""Each known mistake from the numbers that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tf2torch.evaluate import hints
from tf2torch.evaluate.hints import Evidence

SHAPE = (2, 12, 12, 4)
Array = Any


def evidence(change: Callable[[Array], Array], shape: tuple[int, ...] = SHAPE, rectified: bool = False) -> Evidence:
    """Of random values, and of what a mistake makes of them."""
    theirs = np.asarray(np.random.default_rng(0).standard_normal(shape))
    if rectified:
        theirs = np.maximum(theirs, 0)
    positions = hints.positions(np.arange(theirs.size), shape)
    return Evidence(change(theirs.copy()).ravel(), theirs.ravel(), positions, shape, 1e-6)


def border(values: Array) -> Array:
    values[:, -1] *= 0.7
    return values


def shifted(values: Array) -> Array:
    return np.roll(values, 1, axis=1)


def leaky(values: Array) -> Array:
    return np.where(values < 0, 0.05 * values, values)


def a_little_by_channel(values: Array) -> Array:
    return values * np.array([1.001, 1.002, 1.003, 1.004]) + 1e-3


def offset(values: Array) -> Array:
    return values + np.array([0.5, -0.25, 2.0, 0.1])


def noise(values: Array) -> Array:
    return values + 1e-3 * np.random.default_rng(1).standard_normal(values.shape)


def infinite(values: Array) -> Array:
    values[0, 0] = np.inf
    return values


def nowhere(values: Array) -> Array:
    return values * np.nan


def other(values: Array) -> Array:
    return np.random.default_rng(2).standard_normal(values.shape)


CASES = [
    ("Conv2D", border, "an odd pixel goes to the right"),
    ("Conv2D Relu", shifted, "asymmetric SAME padding"),
    ("DepthwiseConv2dNative", other, "HWIO becomes OIHW"),
    ("Conv2D BiasAdd", offset, "the bias is missing"),
    ("Conv2DBackpropInput", shifted, "transposed convolution"),
    ("AvgPool", border, "count_include_pad=False"),
    ("MaxPool", border, "-inf"),
    ("MaxPool", shifted, "kernel, stride or padding of the pooling"),
    ("ResizeBilinear", border, "align_corners"),
    ("ResizeBilinear", noise, "align_corners"),
    ("MirrorPad", border, "mode or value of the padding"),
    ("LeakyRelu", leaky, "LeakyRelu's default is 0.2"),
    ("Conv2D", lambda values: np.maximum(values, 0), "an activation too many"),
    ("FusedBatchNormV3", a_little_by_channel, "epsilon"),
    ("FusedBatchNormV3", other, "order of gamma, beta, mean and variance"),
    ("Rsqrt Mul Sub", a_little_by_channel, "epsilon"),
    ("FusedBatchNorm", nowhere, "mean and variance of the batch norm"),
    ("MaxPool", infinite, "nothing but padding"),
    ("MatMul", other, "weights are transposed"),
    ("MatMul BiasAdd", offset, "the bias is missing"),
    ("LRN", lambda values: 1.1 * values, "divides alpha by the size"),
    ("Mul", lambda values: 0.5 * values, "a constant factor"),
    ("Erf Mul", noise, "the form of GELU"),
    ("ConcatV2", other, "order of what is joined"),
    ("Softmax", other, "order of the axes"),
    ("Transpose", other, "order of the axes"),
    ("FloorMod", other, "sign of division and modulo"),
    ("Quaint", other, "the weights of another layer"),
    ("Quaint", noise, hints.UNKNOWN),
]


@pytest.mark.parametrize(("ops", "change", "hint"), CASES, ids=[f"{ops}: {hint[:20]}" for ops, _, hint in CASES])
def test_the_hint(ops: str, change: Callable[[Array], Array], hint: str) -> None:
    assert hint in hints.of_values(ops.split(), evidence(change))


@pytest.mark.parametrize(
    ("ops", "change", "hint"),
    [
        ("Conv2D Relu", lambda values: values - (values == 0), "the activation is missing"),
        ("Relu6", lambda values: 3 * values, "a constant factor"),
        ("Conv2D", shifted, "asymmetric SAME padding"),
    ],
)
def test_of_what_is_never_below_zero(ops: str, change: Callable[[Array], Array], hint: str) -> None:
    assert hint in hints.of_values(ops.split(), evidence(change, rectified=True))


def test_relu6_that_does_not_stop() -> None:
    made = evidence(lambda values: values)
    capped = Evidence(10 * abs(made.ours), np.minimum(10 * abs(made.ours), 6), made.positions, SHAPE, 1e-6)
    assert "stops at 6" in hints.of_values(["Relu6"], capped)


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (2, 1, 1, 4)])
@pytest.mark.parametrize("change", [nowhere, lambda values: values + 1, lambda values: 0 * values])
@pytest.mark.parametrize("ops", ["Conv2D", "AvgPool", "FusedBatchNorm", "Sum", "LeakyRelu", "Quaint"])
def test_small_and_constant_tensors(shape: tuple[int, ...], change: Callable[[Array], Array], ops: str) -> None:
    assert hints.of_values([ops], evidence(lambda values: np.asarray(change(values)), shape))


def test_values_of_zeros() -> None:
    zeros = np.zeros(4)
    made = Evidence(zeros + 1, zeros, np.arange(4)[:, None], (4,), 1e-6)
    assert made.differs.all()
    assert hints.of_values(["MatMul"], made)


@pytest.mark.parametrize(
    ("ops", "ours", "hint"),
    [
        ("Conv2D", (2, 6, 6, 8), "SAME or VALID"),
        ("AvgPool", (2, 6, 6, 8), "SAME or VALID"),
        ("ResizeBilinear", (2, 6, 6, 8), "size to resize to"),
        ("Transpose", (2, 8, 12, 12), "order of the axes"),
        ("Conv2D Squeeze", (2, 12), "kept or dropped"),
        ("Quaint", (2, 6, 6, 8), hints.UNKNOWN),
    ],
)
def test_of_another_shape(ops: str, ours: tuple[int, ...], hint: str) -> None:
    assert hint in hints.of_shape(ops.split(), ours, (2, 12, 12, 8))
