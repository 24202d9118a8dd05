"""Comparisons, logic, and choices by a condition."""

from __future__ import annotations

import numpy as np

from tests.ops.case import Case, seeded

X = seeded(2, 3, 4)
Y = np.where(seeded(2, 3, 4, seed=1) > 0, X, seeded(2, 3, 4, seed=2))  # some are equal
MASK = seeded(2, 3, 4, seed=3) > 0
WEIRD = np.array([1.0, np.inf, -np.inf, np.nan], np.float32)
COMPARISONS = ("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual")

CASES = (
    *(Case(op, {"x": X, "y": Y}) for op in COMPARISONS),
    *(Case(op, {"x": X, "y": Y[0, 0]}, note="broadcast") for op in COMPARISONS),
    Case("Equal", {"x": MASK, "y": MASK[::-1]}, note="bool"),
    Case("ApproximateEqual", {"x": X, "y": X + np.float32(0.5e-5)}),
    Case("ApproximateEqual", {"x": X, "y": Y}, {"tolerance": 0.3}),
    *(Case(op, {"x": MASK, "y": MASK[::-1]}) for op in ("LogicalAnd", "LogicalOr")),
    Case("LogicalNot", {"x": MASK}),
    *(Case(op, {"x": WEIRD}) for op in ("IsFinite", "IsInf", "IsNan")),
    Case("Select", {"condition": MASK, "t": X, "e": Y}),
    Case("Select", {"condition": np.array([True, False]), "t": X, "e": Y}, note="rows"),
    Case("Select", {"condition": np.array(True), "t": X, "e": Y}, note="scalar"),
    Case("Select", {"condition": MASK[0, 0], "t": X[0, 0], "e": Y[0, 0]}, note="vectors"),
    Case("SelectV2", {"condition": MASK, "t": X, "e": Y}),
    Case("SelectV2", {"condition": MASK[0, 0], "t": X, "e": np.float32(0)}, note="broadcast"),
    Case("Where", {"input": MASK}),
    Case("Where", {"input": np.array([3, 0, 2], np.int32)}, note="numbers"),
)
