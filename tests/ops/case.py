"""A test of an op is a row of data: what goes in, which attributes are given, and what is allowed to differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Case:
    """One call of an op.

    inputs: by the op's own input names. An array is fed; Static(...) is a constant of the graph; a list of arrays is
    a list of tensors. attrs: only those that are given; every op has a row with no more than it must have. refuse: a
    part of the reason, where the handler must refuse. tolerance: relative to the largest value of the result. random:
    only statistics can be compared, relative to the standard deviation.
    """

    op: str
    inputs: Mapping[str, Any]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    refuse: str | None = None
    tolerance: float = 1e-6
    outputs: tuple[int, ...] | None = None  # which to compare; None: all
    random: bool = False  # the numbers are drawn
    note: str = ""  # what the row is there for

    @property
    def label(self) -> str:
        attrs = ",".join(f"{name}={value}" for name, value in self.attrs.items())
        return f"{self.op}({self.note or attrs})"


@dataclass(frozen=True, slots=True)
class Static:
    """An input that is known at conversion."""

    value: Any


def seeded(
    *shape: int, seed: int = 0, low: float = -1.0, high: float = 1.0, dtype: str = "float32"
) -> np.ndarray[Any, Any]:
    """An array of seeded numbers, the same each time; integers are drawn from [low, high)."""
    random = np.random.default_rng([seed, *shape])
    if np.issubdtype(np.dtype(dtype), np.integer):
        return random.integers(int(low), int(high), shape).astype(dtype)
    return random.uniform(low, high, shape).astype(dtype)
