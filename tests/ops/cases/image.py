"""Images: every way in which TensorFlow has ever placed pixels, up and down, odd and even."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from tests.ops.case import Case, Static, seeded

X = seeded(2, 5, 6, 3)
SIZES = ((10, 12), (9, 7), (3, 4), (5, 6), (1, 1), (4, 13))
WAYS: tuple[dict[str, bool], ...] = ({}, {"align_corners": True}, {"half_pixel_centers": True})


def resizes(op: str, tolerance: float = 1e-6) -> Iterator[Case]:
    for size, attrs in product(SIZES, WAYS):
        yield Case(op, {"images": X, "size": Static(size)}, attrs, tolerance=tolerance, note=f"{size} {attrs}")
    both = {"align_corners": True, "half_pixel_centers": True}
    yield Case(op, {"images": X, "size": Static((7, 7))}, both, refuse="exclude each other")


def blocks(op: str, shape: tuple[int, int, int, int], one: tuple[int, int, int, int]) -> Iterator[Case]:
    first = shape[0], shape[3], shape[1], shape[2]
    yield Case(op, {"input": seeded(*shape)}, {"block_size": 2})
    yield Case(op, {"input": seeded(*one)}, {"block_size": 2}, note="one channel")
    yield Case(op, {"input": seeded(*first)}, {"block_size": 2, "data_format": "NCHW"})


def patches(op: str, name: str, window: dict[str, object]) -> Iterator[Case]:
    inputs: dict[str, object] = {name: seeded(2, 9, 10, 3, low=-9.0, high=-1.0)}
    attrs: dict[str, object] = {}
    (inputs if op == "Dilation2D" else attrs).update(window)
    for padding, stride, rate in product(("SAME", "VALID"), (1, 2, 3), (1, 2)):
        given = {"strides": [1, stride, stride, 1], "rates": [1, rate, rate, 1], "padding": padding}
        yield Case(op, inputs, {**attrs, **given})


BOXES = np.array([[0, 0, 1, 1], [0.2, 0.1, 0.7, 0.9], [0.9, 0.8, 0.1, 0.2], [-0.3, -0.5, 1.2, 1.5]], np.float32)
CROPS = {"image": X, "boxes": BOXES, "box_ind": np.array([0, 1, 1, 0], np.int32)}
COLOURS = np.concatenate([seeded(4, 5, 3, low=0.0), np.repeat(seeded(4, 2, 1, low=0.0), 3, -1)], 1)

CASES = (
    *resizes("ResizeBilinear"),
    *resizes("ResizeNearestNeighbor"),
    *resizes("ResizeBicubic"),
    *(Case("ResizeArea", {"images": X, "size": Static(size)}, note=str(size)) for size in SIZES),
    Case("ResizeArea", {"images": X, "size": Static((3, 3))}, {"align_corners": True}, refuse="over the edge"),
    Case("ResizeBilinear", {"images": seeded(2, 5, 6, 3, high=256, low=0, dtype="uint8"), "size": Static((7, 9))}),
    Case(
        "ResizeNearestNeighbor",
        {"images": seeded(2, 5, 6, 3, high=9, dtype="int32"), "size": Static((7, 9))},
        refuse="no images of int32",
    ),
    *(Case("CropAndResize", {**CROPS, "crop_size": Static(size)}, note=str(size)) for size in ((4, 5), (7, 1))),
    Case("CropAndResize", {**CROPS, "crop_size": Static((3, 3))}, {"extrapolation_value": 7.0}),
    Case("CropAndResize", {**CROPS, "crop_size": Static((3, 3))}, {"method": "nearest"}, refuse="method=nearest"),
    *blocks("SpaceToDepth", (2, 4, 6, 3), (2, 4, 6, 1)),
    *blocks("DepthToSpace", (2, 3, 4, 12), (2, 3, 4, 4)),
    *patches("ExtractImagePatches", "images", {"ksizes": [1, 3, 2, 1]}),
    *patches("Dilation2D", "input", {"filter": seeded(3, 2, 3)}),
    Case("AdjustContrastv2", {"images": X, "contrast_factor": np.float32(1.7)}),
    Case("RGBToHSV", {"images": COLOURS}),
    Case("HSVToRGB", {"images": COLOURS}),
    *(
        Case("AdjustSaturation", {"images": COLOURS, "scale": np.float32(scale)}, note=str(scale))
        for scale in (0.5, 2.0)
    ),
    *(Case("AdjustHue", {"images": COLOURS, "delta": np.float32(delta)}, note=str(delta)) for delta in (0.3, -0.7)),
)
