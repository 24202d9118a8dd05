"""Products of matrices, and what is computed of a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from tf2torch.ops.expr import Expr, F, Var, call, torch
from tf2torch.ops.registry import lowers, lowers_all


@lowers("MatMul", "SparseMatMul")
def matmul(a: Var, b: Var, bias: Var | None = None, *, transpose_a: bool = False, transpose_b: bool = False) -> Expr:
    """A linear layer: torch's weight is [out, in], TensorFlow's [in, out]."""
    x = a.permute(1, 0) if transpose_a else a
    weight = b if transpose_b else b.permute(1, 0)
    return F.linear(x, weight, *(() if bias is None else (bias,)))


def _adjoint(x: Var, wanted: bool) -> Expr:
    if not wanted:
        return x
    swapped = x.transpose(-2, -1)
    return swapped.conj() if x.dtype.startswith("complex") else swapped


@lowers("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def batch_matmul(x: Var, y: Var, *, adj_x: bool = False, adj_y: bool = False) -> Expr:
    """Products of the last two axes; the others broadcast."""
    return _adjoint(x, adj_x) @ _adjoint(y, adj_y)


@lowers("Einsum")
def einsum(inputs: Sequence[Var], *, equation: str) -> Expr:
    """The same language in both."""
    return torch.einsum(equation, *inputs)


lowers_all(MatrixDeterminant=torch.det)


@lowers("Cholesky")
def cholesky(input: Var) -> Expr:
    """The lower triangle."""
    return call("torch.linalg.cholesky", input)


@lowers("Cross")
def cross(a: Var, b: Var) -> Expr:
    """Of vectors on the last axis."""
    return torch.cross(a, b, dim=-1)


@lowers("MatrixInverse")
def matrix_inverse(input: Var, *, adjoint: bool = False) -> Expr:
    """The inverse, or that of the adjoint."""
    return torch.inverse(_adjoint(input, adjoint))


@lowers("MatrixSolve")
def matrix_solve(matrix: Var, rhs: Var, *, adjoint: bool = False) -> Expr:
    """What the matrix makes the right-hand side of."""
    return call("torch.linalg.solve", _adjoint(matrix, adjoint), rhs)


@lowers("MatrixTriangularSolve")
def matrix_triangular_solve(matrix: Var, rhs: Var, *, lower: bool = True, adjoint: bool = False) -> Expr:
    """MatrixSolve that reads one triangle of the matrix; its adjoint has that triangle on the other side."""
    return call("torch.linalg.solve_triangular", _adjoint(matrix, adjoint), rhs, upper=lower == adjoint)


@lowers("LogMatrixDeterminant")
def log_matrix_determinant(input: Var) -> tuple[Expr, Expr]:
    """The determinant's sign, and the logarithm of its absolute value."""
    both = torch.slogdet(input)
    return both[0], both[1]
