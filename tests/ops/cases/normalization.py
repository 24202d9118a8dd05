"""Normalization, and the bias of a layer."""

from __future__ import annotations

import numpy as np

from tests.ops.case import Case, seeded

X, CHANNELS = seeded(2, 5, 6, 4), seeded(4, seed=3)
NOTHING = np.zeros(0, np.float32)  # what training has no use for
INFERENCE = {
    "x": X,
    "scale": seeded(4, seed=4),
    "offset": CHANNELS,
    "mean": seeded(4, seed=5),
    "variance": seeded(4, low=0.5, high=2.0),
}
TRAINING = {**INFERENCE, "mean": NOTHING, "variance": NOTHING}
FIRST = np.ascontiguousarray(X.transpose(0, 3, 1, 2))
FUSED = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
READ = (0, 1, 2)  # the others are the gradient's

CASES = (
    *(Case(op, TRAINING, outputs=READ) for op in FUSED),
    *(Case(op, INFERENCE, {"is_training": False, "epsilon": 0.001}, outputs=READ) for op in FUSED),
    Case("FusedBatchNormV3", INFERENCE, {"is_training": False}, outputs=READ),
    Case(
        "FusedBatchNormV3",
        {**INFERENCE, "x": FIRST},
        {"is_training": False, "data_format": "NCHW", "epsilon": 1e-5},
        outputs=READ,
    ),
    Case("FusedBatchNormV3", INFERENCE, {"exponential_avg_factor": 0.5}, refuse="running statistics"),
    Case("BiasAdd", {"value": X, "bias": CHANNELS}),
    Case("BiasAdd", {"value": seeded(3, 4), "bias": CHANNELS}, note="a matrix"),
    Case("BiasAdd", {"value": seeded(2, 3, 5, 6, 4), "bias": CHANNELS}, note="a volume"),
    Case("BiasAdd", {"value": FIRST, "bias": CHANNELS}, {"data_format": "NCHW"}),
    Case("BiasAddV1", {"value": X, "bias": CHANNELS}),
    Case("LRN", {"input": seeded(2, 3, 4, 16)}),
    Case("LRN", {"input": seeded(2, 3, 4, 16)}, {"depth_radius": 2, "bias": 2.0, "alpha": 2e-05, "beta": 0.75}),
)
