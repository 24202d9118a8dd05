"""Elements picked and placed by indices, the largest ones, and places in sorted rows."""

from __future__ import annotations

from tf2torch.ops.array import convert
from tf2torch.ops.expr import Call, Expr, F, Var, helpers, length, torch
from tf2torch.ops.registry import Refuse, Result, Static, lowers


@lowers("Gather")
def gather_rows(params: Var, indices: Var) -> Result:
    """Rows of params."""
    return gather(params, indices, 0)


@lowers("GatherV2")
def gather(params: Var, indices: Var, axis: Static[int], *, batch_dims: int = 0) -> Expr:
    """Slices of params along an axis. Along the first batch_dims axes, each has indices of its own."""
    if axis < 0 or batch_dims:
        axis %= params.rank
    if batch_dims:
        return _gather_in_batch(params, indices, axis, batch_dims if batch_dims > 0 else batch_dims + indices.rank)
    if axis == 0 and params.type.shape is not None and params.rank == 2 and "float" in params.dtype:
        return F.embedding(_index(indices), params)
    return params[(*(slice(None),) * axis, _index(indices)) if axis else _index(indices)]


def _index(indices: Var) -> Expr:
    """Indices of a type that PyTorch takes."""
    return indices if indices.dtype in ("int32", "int64") else indices.long()


def _gather_in_batch(params: Var, indices: Var, axis: int, batch: int) -> Expr:
    """take_along_dim broadcasts: the indices get axes of length 1 where params has its own."""
    picked = indices.rank - batch  # axes that the indices have in each element of the batch
    index: Expr = convert(indices, "int64")
    if picked != 1:
        index = index.flatten(batch) if picked else index.unsqueeze(batch)
    before, after = axis - batch, params.rank - axis - 1
    if before or after:
        index = index[(*(slice(None),) * batch, *(None,) * before, slice(None), *(None,) * after)]
    result = torch.take_along_dim(params, index, axis)
    if picked == 1:
        return result
    if not picked:
        return result.squeeze(axis)
    return result.unflatten(axis, tuple(length(indices, at) for at in range(batch, indices.rank)))


@lowers("GatherNd")
def gather_nd(params: Var, indices: Var, *, bad_indices_policy: str = "") -> Expr:
    """Elements or slices of params; the last axis of the indices holds an index for each of params' first axes."""
    _check(indices, bad_indices_policy)
    return params[_index(indices).unbind(-1)]


@lowers("ScatterNd")
def scatter_nd(
    indices: Var, updates: Var, shape: Static[tuple[int | Call, ...]], *, bad_indices_policy: str = ""
) -> Expr:
    """Zeros, with updates added where the indices say."""
    _check(indices, bad_indices_policy)
    return updates.new_zeros(shape).index_put(_index(indices).unbind(-1), updates, accumulate=True)


@lowers("TensorScatterUpdate")
def scatter_update(tensor: Var, indices: Var, updates: Var, *, bad_indices_policy: str = "") -> Expr:
    """The tensor with updates where the indices say."""
    _check(indices, bad_indices_policy)
    return tensor.index_put(_index(indices).unbind(-1), updates)


@lowers("TensorScatterAdd")
def scatter_add(tensor: Var, indices: Var, updates: Var, *, bad_indices_policy: str = "") -> Expr:
    """The tensor with updates added where the indices say."""
    _check(indices, bad_indices_policy)
    return tensor.index_put(_index(indices).unbind(-1), updates, accumulate=True)


@lowers("TensorScatterSub")
def scatter_sub(tensor: Var, indices: Var, updates: Var, *, bad_indices_policy: str = "") -> Expr:
    """The tensor with updates taken away where the indices say."""
    _check(indices, bad_indices_policy)
    return tensor.index_put(_index(indices).unbind(-1), -updates, accumulate=True)


def _check(indices: Var, bad_indices_policy: str) -> None:
    if bad_indices_policy not in ("", "DEFAULT", "ERROR"):
        raise Refuse(f"bad_indices_policy={bad_indices_policy}: PyTorch takes no indices out of range")
    if indices.dims[-1] in (0, None):
        raise Refuse("the last axis of its indices has no length, or one that is not known")


@lowers("InvertPermutation")
def invert_permutation(x: Var) -> Expr:
    """The place of each number from 0 on."""
    return convert(x.argsort(), x.dtype)


@lowers("TopKV2")
def top_k_of(input: Var, k: Static[int | Call], *, sorted: bool = True, index_type: str = "int32") -> tuple[Expr, ...]:
    """The largest elements of each row and their places. Of equal ones, PyTorch may take others than the first."""
    found = input.topk(k) if sorted else input.topk(k, sorted=False)
    return found[0], convert(found[1], index_type)


@lowers("LowerBound")
def lower_bound(sorted_inputs: Var, values: Var, *, out_type: str = "int32") -> Expr:
    """Where each value would stand in its sorted row, before what is equal to it."""
    return torch.searchsorted(sorted_inputs, values, **_integers(out_type))


@lowers("UpperBound")
def upper_bound(sorted_inputs: Var, values: Var, *, out_type: str = "int32") -> Expr:
    """Where each value would stand in its sorted row, after what is equal to it."""
    return torch.searchsorted(sorted_inputs, values, right=True, **_integers(out_type))


def _integers(dtype: str) -> dict[str, bool]:
    return {"out_int32": True} if dtype == "int32" else {}


@lowers("Unique")
def unique(x: Var, *, out_idx: str = "int32") -> tuple[Expr, ...]:
    """Each number once, in the order in which they first occur, and the place of each element's among them."""
    found = helpers.unique(x)
    return found[0], convert(found[1], out_idx)


@lowers("UniqueV2")
def unique_along(x: Var, axis: Static[tuple[int, ...]], *, out_idx: str = "int32") -> Result:  # noqa: ARG001  # a vector has but one
    """Unique, where the only axis may be named."""
    if x.rank != 1:
        raise Refuse("only of a tensor with one axis")
    return unique(x, out_idx=out_idx)
