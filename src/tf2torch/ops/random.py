"""Random numbers: of the same distribution as TensorFlow's, never the same numbers. Seeds are left out.

They are drawn on the device of the tensor whose sizes they have; where the sizes are fixed, on torch's default one.
"""

from __future__ import annotations

from typing import Any

from tf2torch.ops.expr import DTYPES, Call, Expr, F, Var, call, size, tensor_of, torch
from tf2torch.ops.registry import Static, lowers

Sizes = tuple[int | Call, ...]


def _type(dtype: str) -> dict[str, Any]:
    return {} if dtype == "float32" else {"dtype": DTYPES[dtype]}


def _empty(shape: Sizes, dtype: str) -> Expr:
    source = tensor_of(shape)
    return torch.empty(shape, **_type(dtype)) if source is None else source.new_empty(shape, dtype=DTYPES[dtype])


@lowers("RandomUniform")
def random_uniform(shape: Static[Sizes], *, dtype: str) -> Expr:
    """From [0, 1)."""
    return torch.rand(shape, **_type(dtype)) if tensor_of(shape) is None else _empty(shape, dtype).uniform_()


@lowers("RandomUniformInt")
def random_uniform_int(
    shape: Static[Sizes],
    minval: Static[int],
    maxval: Static[int],
    *,
    Tout: str,  # noqa: N803  # TensorFlow's name
) -> Expr:
    """From [minval, maxval)."""
    if tensor_of(shape) is not None:
        return _empty(shape, Tout).random_(minval, maxval)
    return torch.randint(minval, maxval, shape, **({} if Tout == "int64" else {"dtype": DTYPES[Tout]}))


@lowers("RandomStandardNormal")
def random_standard_normal(shape: Static[Sizes], *, dtype: str) -> Expr:
    return torch.randn(shape, **_type(dtype)) if tensor_of(shape) is None else _empty(shape, dtype).normal_()


@lowers("TruncatedNormal")
def truncated_normal(shape: Static[Sizes], *, dtype: str) -> Expr:
    """Normal, within two standard deviations."""
    return call("torch.nn.init.trunc_normal_", _empty(shape, dtype))


@lowers("RandomShuffle")
def random_shuffle(value: Var) -> Expr:
    """Rows in random order."""
    return value[torch.randperm(size(value, 0))]


@lowers("Multinomial")
def multinomial(logits: Var, num_samples: Static[int], *, output_dtype: str = "int64") -> Expr:
    """Classes drawn with replacement, a row for each row of logits."""
    samples = torch.multinomial(F.softmax(logits, dim=-1), num_samples, replacement=True)
    return samples if output_dtype == "int64" else samples.to(DTYPES[output_dtype])
