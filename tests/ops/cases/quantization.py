"""What training for quantization leaves in a graph."""

from __future__ import annotations

import numpy as np

from tests.ops.case import Case, seeded

X = seeded(4, 5, 3, low=-8, high=8)
LOW, HIGH = np.float32(-1.3), np.float32(5.1)
LOWS, HIGHS = np.array([-1.3, 0.0, -7.0], np.float32), np.array([5.1, 6.0, 0.0], np.float32)

CASES = (
    Case("FakeQuantWithMinMaxArgs", {"inputs": X}),
    Case("FakeQuantWithMinMaxArgs", {"inputs": X}, {"min": 0.0, "max": 6.0}),
    Case("FakeQuantWithMinMaxArgs", {"inputs": X}, {"min": -3.1, "max": 4.2, "num_bits": 4, "narrow_range": True}),
    Case("FakeQuantWithMinMaxVars", {"inputs": X, "min": LOW, "max": HIGH}),
    Case("FakeQuantWithMinMaxVars", {"inputs": X, "min": LOW, "max": HIGH}, {"num_bits": 4, "narrow_range": True}),
    Case("FakeQuantWithMinMaxVarsPerChannel", {"inputs": X, "min": LOWS, "max": HIGHS}),
)
