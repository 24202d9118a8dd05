"""Transposed convolutions: the shape is right in many ways, the values in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.ops.case import Case, Static, seeded


def length(size: int, kernel: int, stride: int, padding: str) -> int:
    """Of the convolution whose gradient this is."""
    return -(-size // stride) if padding == "SAME" else -(-(size - kernel + 1) // stride)


def grid(padding: str) -> Iterator[Case]:
    for size in (9, 10, 11):
        for kernel in (1, 2, 3, 4, 5):
            for stride in (1, 2, 3):
                steps = length(size, kernel, stride, padding), length(size + 1, kernel, stride, padding)
                yield case((2, size, size + 1, 3), seeded(kernel, kernel, 3, 4), steps, [1, stride, stride, 1], padding)


def case(sizes: tuple[int, ...], kernel: Any, steps: tuple[int, ...], strides: list[int], padding: str) -> Case:
    inputs = {
        "input_sizes": Static(list(sizes)),
        "filter": kernel,
        "out_backprop": seeded(2, *steps, kernel.shape[-1], seed=1),
    }
    op = "Conv2DBackpropInput" if len(sizes) == 4 else "Conv3DBackpropInputV2"
    note = f"{sizes[1]},{kernel.shape[0]},{strides[1]},{padding}"
    return Case(op, inputs, {"strides": strides, "padding": padding}, note=note)


KERNEL = seeded(3, 3, 3, 4)
DEPTHWISE = seeded(3, 4, 3, 2)

CASES = (
    *grid("SAME"),
    *grid("VALID"),
    Case(
        "Conv2DBackpropInput",
        {"input_sizes": Static([2, 3, 9, 10]), "filter": KERNEL, "out_backprop": seeded(2, 4, 5, 5)},
        {"strides": [1, 1, 2, 2], "padding": "SAME", "data_format": "NCHW"},
    ),
    *(
        Case(
            "Conv2DBackpropInput",
            {"input_sizes": Static([2, 9, 10, 3]), "filter": KERNEL, "out_backprop": seeded(2, *steps, 4)},
            {"strides": [1, 2, 2, 1], "padding": "EXPLICIT", "explicit_paddings": paddings},
        )
        for steps, paddings in (((5, 5), [0, 0, 1, 1, 1, 1, 0, 0]), ((5, 6), [0, 0, 0, 2, 2, 1, 0, 0]))
    ),
    *(
        case((2, 5, 6, 7, 3), seeded(kernel, 3, 3, 3, 4), steps, [1, stride, stride, stride, 1], "SAME")
        for kernel in (2, 3)
        for stride, steps in ((1, (5, 6, 7)), (2, (3, 3, 4)))
    ),
    case((2, 5, 6, 7, 3), seeded(3, 3, 3, 3, 4), (2, 2, 3), [1, 2, 2, 2, 1], "VALID"),
    *(
        Case(
            "DepthwiseConv2dNativeBackpropInput",
            {"input_sizes": Static([2, 9, 10, 3]), "filter": DEPTHWISE, "out_backprop": seeded(2, *steps, 6)},
            {"strides": strides, "padding": padding},
        )
        for strides, padding, steps in (
            ([1, 1, 1, 1], "SAME", (9, 10)),
            ([1, 2, 2, 1], "SAME", (5, 5)),
            ([1, 2, 2, 1], "VALID", (4, 4)),
        )
    ),
)
