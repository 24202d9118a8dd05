from __future__ import annotations

import math

import numpy as np
import pytest

from tf2torch.numerals import shortest

MEANT = [0.0, 0.001, 0.125, 0.16667, 1 / 3, 1 / 6, 1 / 255, -1 / 6, 0.16666, math.sqrt(2), math.sqrt(2 / math.pi), 1e30]


@pytest.mark.parametrize("number", MEANT)
def test_a_float32_is_the_number_that_its_author_meant(number: float) -> None:
    assert shortest(np.float32(number)) == number


def test_what_is_no_number() -> None:
    assert math.isnan(shortest(np.float32("nan")))
    assert shortest(np.float32("-inf")) == -math.inf
