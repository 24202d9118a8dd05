from __future__ import annotations

from typing import Any

import numpy as np
from numpy_network import in_float64, logits

from tf2torch.bundle import relative_error


def test_it_is_what_float64_arithmetic_gives(observed: Any) -> None:
    """Two implementations of the network agree to the last digits: 1.1 and 0.001 are not their float32."""
    variables, batch = in_float64(observed.below("loaded")), observed.arrays["batch"].astype(np.float64)
    assert observed.arrays["float64"].dtype == np.float64
    assert relative_error(observed.arrays["float64"], logits(variables, batch)) < 1e-12
    nearly = logits(variables, batch, epsilon=float(np.float32(0.001)))
    assert relative_error(observed.arrays["float64"], nearly) > 1e-12


def test_float32_is_near_and_not_the_same(observed: Any) -> None:
    assert observed.arrays["logits"].dtype == np.float32
    assert 1e-9 < relative_error(observed.arrays["logits"], observed.arrays["float64"]) < 1e-5
