"""Diagonals of matrices, which are the last two axes of a tensor."""

from __future__ import annotations

from tf2torch.ops.expr import Expr, Var, length, torch
from tf2torch.ops.registry import Refuse, Static, lowers

Diagonals = int | tuple[int, ...]  # which: 0 is the main one, positive ones stand above it; or the lowest and highest


@lowers("MatrixDiag")
def diagonal_matrices(diagonal: Var) -> Expr:
    """Matrices of zeros with these diagonals."""
    return torch.diag_embed(diagonal)


@lowers("MatrixDiagV2", "MatrixDiagV3")
def diagonal_matrices_at(
    diagonal: Var,
    k: Static[Diagonals],
    num_rows: Static[int],
    num_cols: Static[int],
    padding_value: Static[float],
) -> Expr:
    """MatrixDiag at diagonal k: square matrices as small as may be."""
    offset = _only(k)
    if num_rows != -1 or num_cols != -1:
        raise Refuse("num_rows and num_cols: PyTorch makes square matrices, as small as may be")
    if padding_value:
        raise Refuse("padding_value: PyTorch makes matrices of zeros")
    return torch.diag_embed(diagonal, offset) if offset else torch.diag_embed(diagonal)


@lowers("MatrixDiagPart")
def diagonals(input: Var) -> Expr:
    """The main diagonals of matrices."""
    return input.diagonal(0, -2, -1)


@lowers("MatrixDiagPartV2", "MatrixDiagPartV3")
def diagonals_at(input: Var, k: Static[Diagonals], padding_value: Static[float]) -> Expr:  # noqa: ARG001  # of bands
    """Diagonal k of matrices."""
    return input.diagonal(_only(k), -2, -1)


@lowers("MatrixSetDiag")
def with_diagonals(input: Var, diagonal: Var) -> Expr:
    """Matrices with other main diagonals."""
    return input.diagonal_scatter(diagonal, 0, -2, -1)


@lowers("MatrixSetDiagV2", "MatrixSetDiagV3")
def with_diagonals_at(input: Var, diagonal: Var, k: Static[Diagonals]) -> Expr:
    """Matrices with another diagonal k."""
    return input.diagonal_scatter(diagonal, _only(k), -2, -1)


def _only(k: Diagonals) -> int:
    ends = set(k) if isinstance(k, tuple) else {k}
    if len(ends) > 1:
        raise Refuse(f"k={k}: a band of several diagonals")
    return ends.pop()


@lowers("MatrixBandPart")
def band(input: Var, num_lower: Static[int], num_upper: Static[int]) -> Expr:
    """Zeros but for so many diagonals below and above the main one; a negative number: all of them."""
    result: Expr = input
    if num_upper >= 0:
        result = result.tril(num_upper)
    return result.triu(-num_lower) if num_lower >= 0 else result


@lowers("Diag")
def diagonal_tensor(diagonal: Var) -> Expr:
    """Zeros of twice as many axes, but for this diagonal."""
    if diagonal.rank == 1:
        return diagonal.diag()
    lengths = [length(diagonal, axis) for axis in range(diagonal.rank)]
    return diagonal.flatten().diag().reshape(*lengths, *lengths)


@lowers("DiagPart")
def diagonal_of_tensor(input: Var) -> Expr:
    """The diagonal of a tensor whose axes come twice."""
    if input.rank == 2:
        return input.diagonal()
    lengths = [length(input, axis) for axis in range(input.rank // 2)]
    return input.flatten(0, len(lengths) - 1).flatten(1).diagonal().reshape(*lengths)
