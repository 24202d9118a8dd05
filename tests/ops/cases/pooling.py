"""Pooling: odd and even windows, strides and sizes. All numbers are negative, so that a padding of zeros shows."""

from __future__ import annotations

from collections.abc import Iterator

from tests.ops.case import Case, Static, seeded


def negative(*shape: int) -> object:
    return seeded(*shape, low=-9.0, high=-1.0)


def grid(op: str, name: str) -> Iterator[Case]:
    for padding in ("SAME", "VALID"):
        for size in (9, 10):
            for kernel in (1, 2, 3, 4):
                for stride in (1, 2, 3):
                    attrs = {"ksize": [1, kernel, kernel, 1], "strides": [1, stride, stride, 1], "padding": padding}
                    yield Case(op, {name: negative(2, size, size + 1, 3)}, attrs)


def volumes(op: str) -> Iterator[Case]:
    for padding in ("SAME", "VALID"):
        for kernel, stride in ((3, 1), (2, 2), (3, 2)):
            attrs = {"ksize": [1, kernel, 2, 3, 1], "strides": [1, stride, 1, 2, 1], "padding": padding}
            yield Case(op, {"input": negative(2, 5, 6, 7, 3)}, attrs)
    attrs = {"ksize": [1, 1, 3, 3, 3], "strides": [1, 1, 2, 2, 2], "padding": "SAME", "data_format": "NCDHW"}
    yield Case(op, {"input": negative(2, 3, 5, 6, 7)}, attrs)


X = negative(2, 9, 10, 3)
FIRST = {"ksize": [1, 1, 3, 2], "strides": [1, 1, 2, 1], "padding": "SAME", "data_format": "NCHW"}

CASES = (
    *grid("MaxPool", "input"),
    *(
        Case(
            "MaxPool",
            {"input": X},
            {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "padding": "EXPLICIT", "explicit_paddings": paddings},
        )
        for paddings in ([0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 2, 1, 0, 0], [0, 0, 2, 2, 2, 2, 0, 0])
    ),
    Case("MaxPool", {"input": negative(2, 3, 9, 10)}, FIRST),
    Case("MaxPool", {"input": X}, {"ksize": [1, 1, 1, 3], "strides": [1, 1, 1, 3], "padding": "VALID"}, refuse="over"),
    *(
        Case("MaxPoolV2", {"input": X, "ksize": Static([1, 3, 3, 1]), "strides": Static([1, 2, 2, 1])}, attrs)
        for attrs in ({"padding": "SAME"}, {"padding": "VALID"})
    ),
    *volumes("MaxPool3D"),
    *grid("AvgPool", "value"),
    Case("AvgPool", {"value": negative(2, 3, 9, 10)}, FIRST),
    *volumes("AvgPool3D"),
    *(
        Case(
            "MaxPoolWithArgmax",
            {"input": X},
            {"ksize": [1, kernel, 2, 1], "strides": [1, stride, 2, 1], "padding": padding},
        )
        for padding in ("SAME", "VALID")
        for kernel, stride in ((2, 2), (3, 1), (3, 2))
    ),
    Case(
        "MaxPoolWithArgmax",
        {"input": X},
        {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME", "include_batch_in_index": True},
        refuse="include_batch_in_index=True",
    ),
)
