"""Ops that give back what they get."""

from __future__ import annotations

from tests.ops.case import Case, seeded

X = seeded(2, 3, 4)

CASES = (
    *(Case(op, {"input": X}) for op in ("Identity", "Snapshot", "PreventGradient", "StopGradient")),
    *(Case(op, {"tensor": X}, {"message": "where"}) for op in ("CheckNumerics", "CheckNumericsV2")),
    Case("PreventGradient", {"input": X}, {"message": "none here"}),
    Case("DeepCopy", {"x": X}),
    *(Case("PlaceholderWithDefault", {"input": X}, {"shape": shape}) for shape in ((2, 3, 4), (None, 3, None))),
    *(Case("EnsureShape", {"input": X}, {"shape": shape}) for shape in ((2, 3, 4), (None, 3, None))),
    Case("IdentityN", {"input": [X, seeded(5, dtype="int32", high=9)]}),
    Case("Print", {"input": X, "data": [seeded(2)]}, note="its data to the terminal"),
)
