"""Diagonals of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.case import Case, Static, seeded

MATRICES = seeded(2, 3, 4)


def static(number: Any, dtype: str = "int32") -> Static:
    return Static(np.array(number, dtype))


def diag(op: str, k: Any, rows: int = -1, padding: float = 0, refuse: str | None = None) -> Case:
    diagonal = seeded(2, 2, 3) if isinstance(k, tuple) and len(set(k)) > 1 else seeded(2, 3)
    sizes = {"num_rows": static(rows), "num_cols": static(-1)}
    inputs = {"diagonal": diagonal, "k": static(k), **sizes, "padding_value": static(padding, "float32")}
    return Case(op, inputs, note=f"{k} {rows} {padding}", refuse=refuse)


def diag_part(op: str, k: Any, refuse: str | None = None) -> Case:
    inputs = {"input": MATRICES, "k": static(k), "padding_value": static(0, "float32")}
    return Case(op, inputs, note=f"{k}", refuse=refuse)


def set_diag(op: str, k: int | tuple[int, int], length: int, refuse: str | None = None) -> Case:
    inputs = {"input": MATRICES, "diagonal": seeded(2, length), "k": static(k)}
    return Case(op, inputs, note=f"{k}", refuse=refuse)


def band(lower: int, upper: int, x: Any = MATRICES) -> Case:
    inputs = {"input": x, "num_lower": static(lower, "int64"), "num_upper": static(upper, "int64")}
    return Case("MatrixBandPart", inputs, note=f"{lower} {upper} {x.dtype}")


CASES = (
    *(Case("MatrixDiag", {"diagonal": x}, note=f"{x.shape}") for x in (seeded(3), seeded(2, 3), seeded(2, 2, 3))),
    *(diag(op, k) for op in ("MatrixDiagV2", "MatrixDiagV3") for k in (0, 1, -2, (1, 1))),
    diag("MatrixDiagV3", (0, 1), refuse="a band of several"),
    diag("MatrixDiagV3", 0, rows=5, refuse="square matrices"),
    diag("MatrixDiagV3", 0, padding=2, refuse="matrices of zeros"),
    *(Case("MatrixDiagPart", {"input": x}, note=f"{x.shape}") for x in (seeded(3, 3), MATRICES)),
    *(diag_part(op, k) for op in ("MatrixDiagPartV2", "MatrixDiagPartV3") for k in (0, 2, -1, (1, 1))),
    diag_part("MatrixDiagPartV3", (0, 1), refuse="a band of several"),
    Case("MatrixSetDiag", {"input": MATRICES, "diagonal": seeded(2, 3)}),
    *(set_diag(op, *given) for op in ("MatrixSetDiagV2", "MatrixSetDiagV3") for given in ((0, 3), (2, 2), (-1, 2))),
    set_diag("MatrixSetDiagV3", (0, 1), 3, refuse="a band of several"),
    *(band(lower, upper) for lower in (-1, 0, 1) for upper in (-1, 0, 1)),
    band(1, 0, seeded(3, 3, dtype="int32", high=9)),
    band(-1, 0, np.ones((2, 3, 3), bool)),
    *(Case("Diag", {"diagonal": x}, note=f"{x.shape}") for x in (seeded(3), seeded(2, 3))),
    *(Case("DiagPart", {"input": x}, note=f"{x.shape}") for x in (seeded(3, 3), seeded(2, 3, 2, 3))),
)
