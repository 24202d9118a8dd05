"""What the decomposed norms have in common: the forms in which people write (x - mean) / deviation * gamma + beta."""

from __future__ import annotations

from collections.abc import Mapping

from tf2torch.ir.match import Index, Match, Pattern, add, either, mul, number, op
from tf2torch.ir.types import Attr, Node, Scope, Value
from tf2torch.passes.channels import rank_of

_RESHAPES = ("Reshape", "ExpandDims")


def forms(x: Pattern, mean: Pattern, variance: Pattern, gamma: Pattern, beta: Pattern, epsilon: Pattern) -> Pattern:
    """All of them: with and without gamma and beta, and as x * scale + shift, what tf.nn.batch_normalization writes."""
    spread = add(variance, epsilon)
    deviation = either(op("Sqrt", spread), op("Pow", spread, number(0.5)))
    inverse = either(op("Rsqrt", spread), op("Pow", spread, number(-0.5)), op("RealDiv", number(1.0), deviation))
    scale = either(inverse, mul(inverse, gamma))
    negative = either(mul(op("Neg", mean), scale), op("Neg", mul(mean, scale)))
    shift = either(op("Sub", beta, mul(mean, scale)), negative, add(negative, beta))
    centred = op("Sub", x, mean)
    scaled = either(
        mul(centred, scale),
        mul(mul(centred, inverse), gamma),
        op("RealDiv", centred, deviation),
        mul(op("RealDiv", centred, deviation), gamma),
        op("RealDiv", mul(centred, gamma), deviation),
        mul(centred, op("RealDiv", gamma, deviation)),
    )
    return either(add(mul(x, scale), shift), op("Sub", mul(x, scale), mul(mean, scale)), add(scaled, beta), scaled)


def affine(
    match: Match,
    op: str,
    inputs: tuple[Value, ...],
    gamma: Value | None,
    beta: Value | None,
    attrs: Mapping[str, Attr],
    scope: Scope | None = None,
) -> Node:
    """The node of a norm: after `inputs` come gamma and beta, but for constants that do nothing."""
    has_gamma = gamma is not None and match.index.constant(gamma) != 1
    has_beta = beta is not None and match.index.constant(beta) != 0
    optional = (value for value, has in ((gamma, has_gamma), (beta, has_beta)) if has and value is not None)
    attrs = {**attrs, "has_gamma": has_gamma, "has_beta": has_beta}
    return match.merged(op, *inputs, *optional, attrs=attrs, scope=scope)


def vector_of(index: Index, value: Value) -> Value | None:
    """The param or constant of rank 1 that a value is, be it reshaped to [1, C, 1, 1]."""
    node = index.producers.get(value)
    while node is not None and node.op in _RESHAPES:
        value = node.inputs[0]
        node = index.producers.get(value)
    is_given = value in index.graph.params or index.array(value) is not None
    return value if is_given and rank_of(value) == 1 else None


def is_vector(index: Index, value: Value) -> bool:
    return vector_of(index, value) is not None
