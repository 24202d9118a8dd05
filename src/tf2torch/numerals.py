"""The numbers that authors mean by what a float32 keeps of them. Numpy only: both sides read it."""

from __future__ import annotations

import math

import numpy as np

_ROOTS = (2.0, 0.5, 2 / math.pi)
_MEANT = {float(np.float32(n)): n for n in (*(1 / n for n in range(3, 257)), *map(math.sqrt, _ROOTS))}


def shortest(value: object) -> float:
    """The number of the shortest name that a float32 may have: 0.001, not 0.0010000000475; 1 / 6, not 0.16666667."""
    narrow = np.float32(value)  # type: ignore[arg-type]  # any number
    size = abs(float(narrow))
    return math.copysign(_MEANT[size], narrow) if size in _MEANT else float(str(narrow))
