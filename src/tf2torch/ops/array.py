"""Tensors put together, repeated, padded, and made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tf2torch.ops.expr import DTYPES, Call, Expr, F, Var, helpers, tensor_of, torch
from tf2torch.ops.registry import ELEMENTWISE, Refuse, Static, axes, lowers, lowers_all

lowers_all(ELEMENTWISE, ZerosLike=torch.zeros_like, OnesLike=torch.ones_like)

Length = int | Call
Paddings = tuple[tuple[Length, Length], ...]  # before and after, of each axis


@lowers("ConcatV2", layout=axes("axis"))
def concat(values: Sequence[Var], axis: Static[int]) -> Expr:
    """One after the other along an axis."""
    return torch.cat(list(values), axis)


@lowers("Concat", layout=axes("concat_dim"))
def concat_first(concat_dim: Static[int], values: Sequence[Var]) -> Expr:
    """ConcatV2 as it was first: the axis stands before the tensors."""
    return torch.cat(list(values), concat_dim)


@lowers("ParallelConcat")
def concat_rows(values: Sequence[Var]) -> Expr:
    """One after the other along the first axis."""
    return torch.cat(list(values), 0)


@lowers("Pack")
def pack(values: Sequence[Var], *, axis: int = 0) -> Expr:
    """One after the other along a new axis."""
    return values[0].unsqueeze(axis) if len(values) == 1 else torch.stack(list(values), axis)


@lowers("Tile", layout=axes(per_axis=("multiples",)))
def tile(input: Var, multiples: Static[tuple[Length, ...]]) -> Expr:
    """The tensor so many times along each axis."""
    if all(is_number(multiple, 1) for multiple in multiples):
        return input
    return input.repeat(*multiples)


def is_number(length: Any, number: int) -> bool:
    """Whether a length is known to be this number."""
    return isinstance(length, int) and length == number


@lowers("Pad", layout=axes(per_axis=("paddings",)))
def pad(input: Var, paddings: Static[Paddings]) -> Expr:
    """Zeros around a tensor."""
    widths = _widths(paddings)
    return F.pad(input, widths) if widths else input


@lowers("PadV2", layout=axes(per_axis=("paddings",)))
def pad_with(input: Var, paddings: Static[Paddings], constant_values: Static[float]) -> Expr:
    """A number around a tensor."""
    widths = _widths(paddings)
    return F.pad(input, widths, value=constant_values) if widths else input


@lowers("MirrorPad", layout=axes(per_axis=("paddings",)))
def mirror_pad(input: Var, paddings: Static[Paddings], *, mode: str) -> Expr:
    """Its own elements around a tensor. REFLECT leaves the outermost out, SYMMETRIC starts with it."""
    if mode == "REFLECT":
        for padded in (1, 2, 3):  # PyTorch reflects the last axes of a batch, with channels or without
            if padded < len(paddings) <= padded + 2 and not _widths(paddings[:-padded]):
                return F.pad(input, _widths(paddings, padded), mode="reflect") if _widths(paddings) else input
    elif any(isinstance(after, Call) for _, after in paddings):
        raise Refuse("paddings that are computed while the network runs")
    result: Expr = input
    for axis, (before, after) in enumerate(paddings):
        if not (is_number(before, 0) and is_number(after, 0)):
            result = torch.cat(list(_mirrored(result, axis, before, after, skip=int(mode == "REFLECT"))), axis)
    return result


def _mirrored(tensor: Expr, axis: int, before: Length, after: Length, skip: int) -> Iterator[Expr]:
    """What stands along the axis: its beginning the other way round, itself, its end the other way round."""
    leading = (slice(None),) * axis
    if not is_number(before, 0):
        yield tensor[(*leading, slice(skip or None, before + skip))].flip(axis)
    yield tensor
    if not is_number(after, 0):
        yield tensor[(*leading, slice(-(after + skip), -skip or None))].flip(axis)


def _widths(paddings: Paddings, least: int = 0) -> tuple[Length, ...]:
    """Arguments of F.pad, from the last axis on: as many axes as it takes, and not fewer than `least`."""
    first = next((axis for axis, pair in enumerate(paddings) if any(not is_number(width, 0) for width in pair)), None)
    count = max(least, 0 if first is None else len(paddings) - first)
    return tuple(width for pair in paddings[: -count - 1 : -1] for width in pair)


@lowers("Fill")
def fill(dims: Static[tuple[Length, ...]], value: Static[float], *, T: str) -> Expr:  # noqa: N803  # TensorFlow's name
    """A tensor of one number."""
    source = tensor_of(dims)
    if source is None:
        return torch.full(dims, value, dtype=DTYPES[T])
    dtype = {} if source.dtype == T else {"dtype": DTYPES[T]}  # it joins the tensor on its device
    return source.new_full(dims, value, **dtype) if value else source.new_zeros(dims, **dtype)


@lowers("Range")
def arange(
    start: Static[float | Call],
    limit: Static[float | Call],
    delta: Static[float | Call],
    *,
    Tidx: str = "int32",  # noqa: N803  # TensorFlow's name
) -> Expr:
    """Numbers from start up to limit, which is not among them."""
    given = [start, limit] if is_number(delta, 1) else [start, limit, delta]
    if len(given) == 2 and is_number(start, 0):
        given = [limit]
    source = tensor_of((start, limit, delta))
    if source is not None:
        return helpers.arange_like(source, *given, dtype=DTYPES[Tidx])
    return torch.arange(*given, dtype=DTYPES[Tidx])


@lowers("LinSpace")
def linspace(start: Static[float], stop: Static[float], num: Static[int], *, T: str) -> Expr:  # noqa: N803  # TensorFlow's name
    """So many numbers at equal distances, both ends among them."""
    return torch.linspace(start, stop, num, dtype=DTYPES[T])


@lowers("OneHot")
def one_hot(
    indices: Var,
    depth: Static[Length],
    on_value: Static[float],
    off_value: Static[float],
    *,
    axis: int = -1,
    T: str,  # noqa: N803  # TensorFlow's name
) -> Expr:
    """A new axis along which the element at the index is on. F.one_hot does not take indices out of range."""
    on: Expr = helpers.one_hot(indices, depth)
    if axis not in (-1, indices.rank):
        on = on.movedim(-1, axis)
    if (on_value, off_value) == (1, 0):
        return on if T == "bool" else convert(on, T)
    chosen = torch.where(on, on_value, off_value)
    return chosen if T == "float32" else convert(chosen, T)


_METHODS = {
    "float16": "half",
    "float32": "float",
    "float64": "double",
    "int32": "int",
    "int64": "long",
    "bool": "bool",
}


@lowers("Cast", layout=ELEMENTWISE)
def cast(x: Var, *, DstT: str, Truncate: bool = False) -> Expr:  # noqa: N803  # TensorFlow's names
    """Another type. Floats lose what follows the point when they become integers, and any number but 0 is True."""
    if x.dtype == DstT:
        return x
    if DstT not in DTYPES or x.dtype not in DTYPES:
        raise Refuse(f"PyTorch has no conversion from {x.dtype} to {DstT}")
    if Truncate and "float" in DstT:
        raise Refuse("Truncate: PyTorch rounds to the nearest")
    if x.dtype.startswith("complex") and not DstT.startswith("complex"):
        return convert(torch.real(x), DstT)
    return convert(x, DstT)


def convert(tensor: Expr, dtype: str) -> Expr:
    """tensor.float(), tensor.long(), ... as a person would write it."""
    if dtype in _METHODS:
        return tensor.__getattr__(_METHODS[dtype])()
    return tensor.to(DTYPES[dtype])
