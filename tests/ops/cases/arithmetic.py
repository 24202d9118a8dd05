"""Element-wise arithmetic."""

from __future__ import annotations

import numpy as np

from tests.ops.case import Case, Static, seeded

X = seeded(2, 3, 4, low=-3, high=3)
Y = seeded(2, 3, 4, seed=1, low=-3, high=3)
ROW = seeded(4, seed=2, low=0.5, high=3)
POSITIVE = seeded(2, 3, 4, low=0.1, high=3)
UNIT = seeded(2, 3, 4, low=-0.95, high=0.95)
HALVES = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 2.7], np.float32)
ZEROS = np.array([0.0, 1.0, -2.0, 0.0], np.float32)
WEIRD = np.array([np.inf, 3.0, 0.5, 2.0], np.float32)

DIVIDENDS = np.array([7, 7, -7, -7, 6, -6, 0, 1], np.int32)
DIVISORS = np.array([3, -3, 3, -3, 3, 3, 5, -2], np.int32)
BITS = np.array([0b1100, -5, 77, 0], np.int32)
SHIFTS = np.array([1, 2, 0, 3], np.int32)

ANY = (
    *("Abs", "Asinh", "Atan", "BesselI0e", "BesselI1e", "Ceil", "Cos", "Cosh", "Erf", "Erfc", "Exp", "Expm1", "Floor"),
    *("Inv", "Neg", "Reciprocal", "Rint", "Round", "Sign", "Sin", "Sinh", "Square", "Tan"),
)
OF_POSITIVE = ("Digamma", "Lgamma", "Log", "Log1p", "Rsqrt", "Sqrt")
OF_UNIT = ("Acos", "Asin", "Atanh", "Erfinv")
OF_INTEGERS = ("Abs", "Neg", "Sign", "Square")
DIVISIONS = ("Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod")
SYMMETRIC = ("Add", "AddV2", "Maximum", "Minimum", "Mul", "SquaredDifference", "Sub")

CASES = (
    *(Case(op, {"x": X}) for op in ANY),
    *(Case(op, {"x": POSITIVE}) for op in OF_POSITIVE),
    *(Case(op, {"x": UNIT}) for op in OF_UNIT),
    *(Case(op, {"x": DIVIDENDS}, note="integers") for op in OF_INTEGERS),
    *(Case(op, {"x": HALVES}, note="halves") for op in ("Round", "Rint", "Floor", "Ceil", "Sign")),
    Case("Acosh", {"x": POSITIVE + 1}),
    Case("Ndtri", {"x": (UNIT + 1) / 2}),
    Case("Invert", {"x": BITS}),
    *(Case(op, {"x": X, "y": Y}) for op in (*SYMMETRIC, "RealDiv")),
    *(Case(op, {"x": X, "y": ROW}, note="broadcast") for op in (*SYMMETRIC, "RealDiv")),
    *(Case(op, {"x": DIVIDENDS, "y": DIVISORS}, note="integers") for op in SYMMETRIC),
    *(Case(op, {"x": X, "y": Y}) for op in DIVISIONS if op != "TruncateDiv"),
    *(Case(op, {"x": DIVIDENDS, "y": DIVISORS}, note="signs") for op in DIVISIONS),
    Case("FloorDiv", {"x": np.float32([1.0]), "y": np.float32([0.1])}, note="a quotient that rounds up"),
    Case("AddN", {"inputs": [X, Y, X]}),
    Case("AddN", {"inputs": [X]}, note="one"),
    Case("AccumulateNV2", {"inputs": [X, Y, X]}, {"shape": X.shape}),
    *(Case(op, {"x": WEIRD, "y": ZEROS}) for op in ("DivNoNan", "MulNoNan")),
    *(Case(op, {"x": ZEROS, "y": WEIRD}) for op in ("Xdivy", "Xlogy", "Xlog1py")),
    Case("Xdivy", {"x": ZEROS, "y": ZEROS}, note="0 / 0"),
    Case("Xlogy", {"x": np.abs(ZEROS), "y": ZEROS * 0}, note="0 * log(0)"),
    Case("Pow", {"x": POSITIVE, "y": Y}),
    Case("Pow", {"x": X, "y": np.float32(3)}, note="negative base"),
    Case("Pow", {"x": DIVIDENDS, "y": np.abs(DIVISORS)}, note="integers"),
    Case("ClipByValue", {"t": X, "clip_value_min": np.float32(-1), "clip_value_max": np.float32(2)}),
    Case("ClipByValue", {"t": X, "clip_value_min": Static(np.float32(-1)), "clip_value_max": Y + 2}, note="tensor"),
    Case("Atan2", {"y": X, "x": Y}),
    Case("NextAfter", {"x1": X, "x2": Y}, tolerance=0),
    *(Case(op, {"a": POSITIVE, "x": POSITIVE[::-1]}, tolerance=2e-6) for op in ("Igamma", "Igammac")),
    Case("Zeta", {"x": POSITIVE + 1, "q": POSITIVE[::-1]}),
    *(Case(op, {"x": BITS, "y": BITS[::-1]}) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")),
    *(Case(op, {"x": BITS, "y": SHIFTS}) for op in ("LeftShift", "RightShift")),
    Case("RightShift", {"x": BITS.astype(np.uint8), "y": SHIFTS.astype(np.uint8)}, note="without sign"),
)
