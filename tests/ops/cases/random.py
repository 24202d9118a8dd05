"""Random numbers. Quantiles are compared, of so many numbers that eight standard errors are a tenth."""

from __future__ import annotations

import numpy as np

from tests.ops.case import Case, Static, seeded

SHAPE = Static(np.int32([200, 300]))
LIMITS = {"minval": Static(np.int32(-300)), "maxval": Static(np.int32(900))}
SAMPLES = {"logits": np.tile(seeded(50, low=-0.1, high=0.1), (6, 1)), "num_samples": Static(np.int32(10000))}

CASES = (
    *(
        Case(op, {"shape": SHAPE}, {"dtype": dtype}, random=True, tolerance=0.1)
        for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal")
        for dtype in ("float32", "float64")
    ),
    Case("RandomUniformInt", {"shape": SHAPE, **LIMITS}, random=True, tolerance=0.1),
    Case("RandomShuffle", {"value": seeded(40, 3)}, random=True, tolerance=1e-6),
    Case("Multinomial", SAMPLES, random=True, tolerance=0.1),
    Case("Multinomial", SAMPLES, {"output_dtype": "int32"}, random=True, tolerance=0.1),
)
