"""Products of matrices, and what is computed of a matrix."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.ops.case import Case, seeded

SQUARE = seeded(2, 4, 4) + 3 * np.eye(4, dtype=np.float32)  # far from singular
POSITIVE = SQUARE @ SQUARE.transpose(0, 2, 1)

CASES = (
    Case("MatMul", {"a": seeded(3, 4), "b": seeded(4, 5)}),
    Case("MatMul", {"a": seeded(4, 3), "b": seeded(4, 5)}, {"transpose_a": True}),
    Case("MatMul", {"a": seeded(3, 4), "b": seeded(5, 4)}, {"transpose_b": True}),
    Case("MatMul", {"a": seeded(4, 3), "b": seeded(5, 4)}, {"transpose_a": True, "transpose_b": True}),
    *(Case(op, {"x": seeded(2, 3, 4), "y": seeded(2, 4, 5)}) for op in ("BatchMatMul", "BatchMatMulV2")),
    Case("BatchMatMulV3", {"x": seeded(2, 3, 4), "y": seeded(2, 4, 5)}, {"Tout": "float32"}),
    *(
        Case(
            "BatchMatMulV2",
            {"x": seeded(*((2, 1, 4, 3) if x else (2, 1, 3, 4))), "y": seeded(*((6, 5, 4) if y else (6, 4, 5)))},
            {"adj_x": x, "adj_y": y},
        )
        for x, y in product((False, True), repeat=2)
    ),
    Case("Einsum", {"inputs": [seeded(2, 3, 4), seeded(4, 5)]}, {"equation": "bij,jk->bik"}),
    Case("Einsum", {"inputs": [seeded(2, 3, 4), seeded(2, 5, 4)]}, {"equation": "...id,...jd->...ij"}),
    Case("Einsum", {"inputs": [seeded(3, 4)]}, {"equation": "ij->ji"}, note="one tensor"),
    Case("Cross", {"a": seeded(2, 5, 3), "b": seeded(2, 5, 3, seed=1)}),
    Case("SparseMatMul", {"a": seeded(3, 4), "b": seeded(4, 5)}),
    Case("LogMatrixDeterminant", {"input": SQUARE}),
    Case("MatrixDeterminant", {"input": seeded(2, 3, 3)}),
    Case("MatrixInverse", {"input": POSITIVE}),
    Case("MatrixInverse", {"input": SQUARE}, {"adjoint": True}),
    Case("Cholesky", {"input": POSITIVE}),
    Case("MatrixSolve", {"matrix": SQUARE, "rhs": seeded(2, 4, 5)}),
    Case("MatrixSolve", {"matrix": SQUARE, "rhs": seeded(2, 4, 5)}, {"adjoint": True}),
    Case("MatrixTriangularSolve", {"matrix": SQUARE, "rhs": seeded(2, 4, 5)}),
    *(
        Case("MatrixTriangularSolve", {"matrix": SQUARE, "rhs": seeded(2, 4, 5)}, {"lower": lower, "adjoint": adjoint})
        for lower, adjoint in product((False, True), repeat=2)
    ),
)
