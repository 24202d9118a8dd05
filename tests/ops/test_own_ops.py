"""What no row of the table can say: ops of our own, inputs that passes add, sizes that are only known later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from tests.ops.case import Case, Static, seeded
from tests.ops.compute import expected
from tf2torch.ir.interpret import evaluate
from tf2torch.ir.types import Node, TensorType, Value
from tf2torch.ops import registry
from tf2torch.ops.expr import Call, Var, size


def tensor(array: Any, shape: tuple[int | None, ...] | None = None) -> Value:
    return Value("x", TensorType(array.dtype.name, shape or array.shape), None)


def lowered(op: str, arrays: list[Any], attrs: Mapping[str, Any], values: list[Value] | None = None) -> Call:
    node = Node(op, tuple(values or map(tensor, arrays)), (), attrs)
    (result,) = registry.lower(node)
    assert isinstance(result, Call)
    return result


def computed(expression: Any, values: list[Value], arrays: list[Any]) -> Any:
    feeds = {value: torch.from_numpy(np.ascontiguousarray(array)) for value, array in zip(values, arrays, strict=True)}
    return evaluate(expression, feeds).numpy()


def first(array: Any) -> Any:
    return np.moveaxis(array, -1, 1)


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


X = seeded(2, 4, 5, 6)
MEAN, GAMMA, BETA = (seeded(4, seed=seed) for seed in (1, 2, 3))
VARIANCE = seeded(4, low=0.5, high=2.0)


@pytest.mark.parametrize(("has_gamma", "has_beta"), [(True, True), (True, False), (False, True), (False, False)])
def test_batch_norm_takes_what_it_has(has_gamma: bool, has_beta: bool) -> None:
    arrays = [X, MEAN, VARIANCE, *([GAMMA] if has_gamma else []), *([BETA] if has_beta else [])]
    values = [tensor(array) for array in arrays]
    attrs = {"epsilon": 0.001, "decay": 0.9997, "has_gamma": has_gamma, "has_beta": has_beta}
    expression = lowered("batch_norm", arrays, attrs, values)
    assert dict(expression.kwargs) == {"momentum": 0.0003, "eps": 0.001}
    mean, variance, gamma, beta = (array[:, None, None] for array in (MEAN, VARIANCE, GAMMA, BETA))
    wanted = (X - mean) / np.sqrt(variance + 0.001) * (gamma if has_gamma else 1) + (beta if has_beta else 0)
    close(computed(expression, values, arrays), wanted)


@pytest.mark.parametrize(("stride", "padding"), [(1, "SAME"), (2, "SAME"), (2, "VALID")])
def test_conv1d_is_a_flat_conv2d(stride: int, padding: str) -> None:
    x, kernel, bias = seeded(2, 1, 9, 4), seeded(1, 3, 4, 5), seeded(5)
    case = Case("Conv2D", {"input": x, "filter": kernel}, {"strides": [1, 1, stride, 1], "padding": padding})
    arrays = [first(x[:, 0]), kernel[0], bias]
    values = [tensor(array) for array in arrays]
    expression = lowered("conv1d", arrays, {"strides": (1, stride, 1), "padding": padding}, values)
    close(computed(expression, values, arrays), first(expected(case)[0][:, 0] + bias))


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("how", ["a multiple of its own size", "some other size"])
def test_transposed_convolution_to_a_size_that_is_known_later(kernel: int, padding: str, how: str) -> None:
    extra = max(kernel - 2, 0) if padding == "VALID" else 0
    x, weight, bias, other = (
        seeded(2, 4, 5, 6),
        seeded(kernel, kernel, 3, 6),
        seeded(3),
        seeded(2, 8 + extra, 10 + extra),
    )
    sizes = [2, 8 + extra, 10 + extra, 3]
    inputs = {"input_sizes": Static(sizes), "filter": weight, "out_backprop": x}
    case = Case("Conv2DBackpropInput", inputs, {"strides": [1, 2, 2, 1], "padding": padding})
    arrays = [weight, first(x), bias, other]
    shapes = [None, (None, 6, None, None), None, (None, None, None)]
    values = [tensor(array, shape) for array, shape in zip(arrays, shapes, strict=True)]
    if how == "some other size":
        wanted = tuple(size(Var(values[3]), axis) for axis in (1, 2))
    else:
        wanted = tuple(size(Var(values[1]), axis) * 2 + extra for axis in (2, 3))
    attrs = {**case.attrs, "input_sizes": (size(Var(values[1]), 0), *wanted, 3)}
    expression = lowered(case.op, arrays[:3], attrs, values[:3])
    close(computed(expression, values, arrays), first(expected(case)[0] + bias))


@pytest.mark.parametrize("op", ["ResizeBilinear", "ResizeNearestNeighbor"])
@pytest.mark.parametrize("half_pixel_centers", [False, True])
def test_resizing_by_a_factor(op: str, half_pixel_centers: bool) -> None:
    x, attrs = seeded(2, 5, 6, 3), {"half_pixel_centers": half_pixel_centers}
    case = Case(op, {"images": x, "size": Static((15, 18))}, attrs)
    value = tensor(first(x), (None, 3, None, None))
    target = tuple(size(Var(value), axis) * 3 for axis in (2, 3))
    expression = lowered(op, [first(x)], {**attrs, "size": target}, [value])
    if half_pixel_centers or op == "ResizeNearestNeighbor":
        assert dict(expression.kwargs)["scale_factor"] == 3
    close(computed(expression, [value], [first(x)]), first(expected(case)[0]))


def test_resizing_to_its_own_size_is_nothing() -> None:
    value = tensor(X, (None, 4, None, None))
    node = Node("ResizeBilinear", (value,), (), {"size": tuple(size(Var(value), axis) for axis in (2, 3))})
    (result,) = registry.lower(node)
    assert isinstance(result, Var)
    assert result.value is value


@pytest.mark.parametrize(
    ("op", "x", "weight"),
    [
        ("Conv2D", seeded(2, 4, 5, 6), seeded(3, 3, 4, 8)),
        ("Conv3D", seeded(2, 4, 5, 6, 7), seeded(3, 3, 3, 4, 8)),
        ("DepthwiseConv2dNative", seeded(2, 4, 5, 6), seeded(3, 3, 4, 2)),
        ("MatMul", seeded(2, 4), seeded(4, 8)),
    ],
)
def test_a_bias_is_added_to_each_channel(op: str, x: Any, weight: Any) -> None:
    bias = seeded(8)
    values = [tensor(array) for array in (x, weight, bias)]
    attrs = {} if op == "MatMul" else {"strides": (1,) * x.ndim, "padding": "SAME"}
    plain, biased = (lowered(op, [], attrs, values[:count]) for count in (2, 3))
    difference = computed(biased, values, [x, weight, bias]) - computed(plain, values, [x, weight, bias])
    shape = (-1, *(1,) * (x.ndim - 2))
    np.testing.assert_allclose(difference, np.broadcast_to(bias.reshape(shape), difference.shape), atol=1e-5)
