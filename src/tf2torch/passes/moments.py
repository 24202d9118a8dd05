"""Norms of which mean and variance are those of the tensor itself: layer and instance normalization."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from tf2torch.ir.match import Index, Match, Rule, anything, either, number, op
from tf2torch.ir.types import Node, Scope, Shape, Value
from tf2torch.passes.channels import FIRST, LAST, axis_of
from tf2torch.passes.norm_forms import affine, forms, is_vector, vector_of


def normalized() -> Rule:
    """tf.nn.moments and the affine map after it, over the last axis ("layer_norm") or the image ("instance_norm").

    The variance is biased, here as in PyTorch. What StopGradient keeps from the mean is zero.
    """
    x, gamma, beta, epsilon = anything(), anything(is_vector), anything(is_vector), number()
    mean = op("Mean", x, test=_keeps_axes)
    difference = op("SquaredDifference", x, either(mean, op("StopGradient", mean)))
    variance = op("Mean", either(difference, op("Square", op("Sub", x, mean))), test=_keeps_axes)

    def build(match: Match) -> Node | None:
        shape = match[x].type.shape
        found, same = (_norm(match.node(part), shape) for part in (mean, variance))
        if shape is None or found is None or found != same:
            return None
        name, channels, data_format = found
        vectors = [match[part] for part in (gamma, beta) if part in match]
        if shape[channels] is None or any(axis_of(value, match[x]) != channels for value in vectors):
            return None
        given = {part: vector_of(match.index, match[part]) for part in (gamma, beta) if part in match}
        attrs = {"epsilon": match.number(epsilon), **data_format}
        scope = _shared([node.scope for node in match.nodes])
        return affine(match, name, (match[x],), given.get(gamma), given.get(beta), attrs, scope)

    return forms(x, mean, variance, gamma, beta, epsilon), build


def _norm(mean: Node, shape: Shape | None) -> tuple[str, int, dict[str, str]] | None:
    """Which norm a mean belongs to, the axis of its channels, and its data_format if it has one."""
    if shape is None or "reduction_indices" not in mean.attrs:
        return None
    rank, given = len(shape), mean.attrs["reduction_indices"]
    axes = {axis % rank for axis in (given if isinstance(given, tuple) else (given,))}
    if axes == {rank - 1}:
        return "layer_norm", rank - 1, {}
    if rank in (3, 4, 5) and axes == set(range(1, rank - 1)):
        return "instance_norm", rank - 1, {"data_format": LAST[rank]}
    if rank in (4, 5) and axes == set(range(2, rank)):
        return "instance_norm", 1, {"data_format": FIRST[rank]}
    return None


def _shared(scopes: Sequence[Scope]) -> Scope:
    """What all scopes begin with: moments and affine map each have one of their own."""
    return tuple(names[0] for names in takewhile(lambda names: len(set(names)) == 1, zip(*scopes, strict=False)))


def _keeps_axes(index: Index, value: Value) -> bool:
    return bool(index.producers[value].attrs.get("keep_dims", False))
