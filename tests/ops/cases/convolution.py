"""Convolutions: odd and even kernels, strides, dilations and sizes, groups, and every padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.ops.case import Case, seeded


def images(*sizes: int, channels: int = 4) -> Any:
    return seeded(2, *sizes, channels)


def conv2d(size: int, kernel: int, stride: int, padding: str, dilation: int = 1) -> Case:
    """Different in height and in width."""
    inputs = {"input": images(size, size + 1), "filter": seeded(kernel, kernel + 1, 4, 5, seed=1)}
    attrs = {"strides": [1, stride, stride, 1], "padding": padding, "dilations": [1, dilation, dilation, 1]}
    return Case("Conv2D", inputs, attrs, tolerance=2e-6)  # sums of up to 120 products


def grid(padding: str) -> Iterator[Case]:
    for size in (9, 10):
        for kernel in (1, 2, 3, 4):
            yield from (conv2d(size, kernel, stride, padding) for stride in (1, 2, 3))
            yield conv2d(size, kernel, 1, padding, dilation=2)


X, FILTER = images(9, 10), seeded(3, 3, 4, 6, seed=1)
ONE = [1, 1, 1, 1]
BOTH = {"input": X, "filter": FILTER}
DEPTHWISE = {"input": X, "filter": seeded(3, 2, 4, 3, seed=2)}
FIRST = {"input": seeded(2, 4, 9, 10), "filter": FILTER}

CASES = (
    Case("Conv2D", BOTH, {"strides": ONE, "padding": "SAME"}),
    *grid("SAME"),
    *grid("VALID"),
    *(
        Case("Conv2D", BOTH, {"strides": [1, 2, 2, 1], "padding": "EXPLICIT", "explicit_paddings": paddings})
        for paddings in ([0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 2, 2, 1, 1, 0, 0], [0, 0, 0, 1, 2, 3, 0, 0])
    ),
    Case("Conv2D", BOTH, {"strides": [1, 2, 1, 1], "padding": "SAME"}, note="strides differ"),
    Case("Conv2D", {"input": X, "filter": seeded(3, 3, 2, 6)}, {"strides": ONE, "padding": "SAME"}, note="two groups"),
    Case("Conv2D", FIRST, {"strides": [1, 1, 2, 3], "padding": "SAME", "data_format": "NCHW"}),
    Case("Conv2D", FIRST, {"strides": ONE, "padding": "VALID", "data_format": "NCHW", "dilations": [1, 1, 2, 1]}),
    Case(
        "Conv2D",
        FIRST,
        {
            "strides": ONE,
            "padding": "EXPLICIT",
            "explicit_paddings": [0, 0, 0, 0, 1, 2, 3, 4],
            "data_format": "NCHW",
        },
    ),
    Case("Conv2D", BOTH, {"strides": [1, 1, 1, 2], "padding": "SAME"}, refuse="strides=.* over the batch or the"),
    Case("DepthwiseConv2dNative", DEPTHWISE, {"strides": ONE, "padding": "SAME"}),
    Case("DepthwiseConv2dNative", DEPTHWISE, {"strides": [1, 2, 2, 1], "padding": "VALID"}),
    Case("DepthwiseConv2dNative", DEPTHWISE, {"strides": [1, 2, 2, 1], "padding": "SAME"}),
    Case(
        "DepthwiseConv2dNative",
        DEPTHWISE,
        {"strides": ONE, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 3, 0, 0]},
    ),
    Case(
        "DepthwiseConv2dNative",
        {"input": X, "filter": seeded(3, 3, 4, 1)},
        {"strides": ONE, "padding": "SAME"},
        note="multiplier 1",
    ),
    Case(
        "DepthwiseConv2dNative",
        {"input": seeded(2, 4, 9, 10), "filter": seeded(3, 2, 4, 3)},
        {"strides": [1, 1, 2, 2], "padding": "SAME", "data_format": "NCHW"},
    ),
    *(
        Case(
            "Conv3D",
            {"input": images(5, 6, 7), "filter": seeded(kernel, 3, 2, 4, 5)},
            {"strides": [1, stride, stride, 1, 1], "padding": padding},
            tolerance=2e-6,  # sums of up to 72 products
        )
        for padding in ("SAME", "VALID")
        for kernel in (2, 3)
        for stride in (1, 2)
    ),
    Case(
        "Conv3D",
        {"input": seeded(2, 4, 5, 6, 7), "filter": seeded(3, 3, 3, 4, 5)},
        {"strides": [1, 1, 2, 1, 1], "padding": "SAME", "data_format": "NCDHW"},
        tolerance=2e-6,  # sums of 108 products
    ),
)
