"""Batch norm, in each of the forms in which TensorFlow graphs have it, becomes one node of our own op "batch_norm".

    inputs  x, mean, variance, then gamma and beta unless they are absent (has_gamma, has_beta)
    attrs   epsilon, decay, has_gamma, has_beta, data_format

gamma of ones and beta of zeros that are constants of the graph (slim's scale=False, center=False) count as absent:
there is no variable, and so nothing to train. Mean and variance become buffers.
Norms by the moments of the tensor itself become "layer_norm" and "instance_norm", see passes.moments.
L2 normalization stays as it is.
"""

from __future__ import annotations

from dataclasses import replace

from tf2torch.ir.match import Index, Match, Rule, anything, number, op, rewrite
from tf2torch.ir.types import Graph, Node, Value
from tf2torch.numerals import shortest
from tf2torch.passes.channels import FIRST, LAST, axis_of, rank_of
from tf2torch.passes.moments import normalized
from tf2torch.passes.norm_forms import affine, forms, is_vector, vector_of

# TensorFlow's graphs do not carry the decay of a batch norm that is not fused, and often not that of a fused one
# either: it belongs to the update of the averages, which inference leaves out. Where export did not find it, it is
# the default of tf.contrib and slim, from which most networks of TensorFlow 1 come (Keras' own is 0.99). It plays
# no part until somebody trains on.
DECAY = 0.999
_FUSED = "FusedBatchNorm|FusedBatchNormV2|FusedBatchNormV3"


def norms(graph: Graph) -> Graph:
    r"""Every batch norm becomes one node.

    Before:
        input %x: float32[?, 8, 8, 4]
        param %mean: float32[4] frozen
        param %variance: float32[4] frozen
        param %gamma: float32[4] trainable
        param %beta: float32[4] trainable
        %epsilon: float32[] = Const(value=array("float32", 0.001))
        %add: float32[4] = AddV2(%variance, %epsilon)
        %rsqrt: float32[4] = Rsqrt(%add)
        %scale: float32[4] = Mul(%rsqrt, %gamma)
        %scaled: float32[?, 8, 8, 4] = Mul(%x, %scale)
        %moved: float32[4] = Mul(%mean, %scale)
        %shift: float32[4] = Sub(%beta, %moved)
        %y: float32[?, 8, 8, 4] = AddV2(%scaled, %shift)
        output %y
    After:
        input %x: float32[?, 8, 8, 4]
        param %mean: float32[4] buffer
        param %variance: float32[4] buffer
        param %gamma: float32[4] trainable
        param %beta: float32[4] trainable
        %y: float32[?, 8, 8, 4] = batch_norm(%x, %mean, %variance, %gamma, %beta, epsilon=0.001, decay=0.999, \
            data_format="NHWC", has_gamma=True, has_beta=True)
        output %y

    Before (fused, without a gamma):
        input %x: float32[?, 8, 8, 4]
        param %mean: float32[4] frozen
        param %variance: float32[4] frozen
        param %beta: float32[4] trainable
        %ones: float32[4] = Const(value=array("float32", [1.0, 1.0, 1.0, 1.0]))
        %y: float32[?, 8, 8, 4], %y1: float32[4], %y2: float32[4], %y3: float32[4], %y4: float32[4] = \
            FusedBatchNorm(%x, %ones, %beta, %mean, %variance, epsilon=0.001, is_training=False)
        output %y
    After:
        input %x: float32[?, 8, 8, 4]
        param %mean: float32[4] buffer
        param %variance: float32[4] buffer
        param %beta: float32[4] trainable
        %y: float32[?, 8, 8, 4] = batch_norm(%x, %mean, %variance, %beta, epsilon=0.001, decay=0.999, \
            data_format="NHWC", has_gamma=False, has_beta=True)
        output %y
    """
    graph = rewrite(graph, *_fused(), _decomposed(), normalized())
    statistics = {value for node in graph.nodes if node.op == "batch_norm" for value in node.inputs[1:3]}
    params = {
        value: replace(param, kind="buffer") if value in statistics else param for value, param in graph.params.items()
    }
    return replace(graph, params=params)


def _fused() -> tuple[Rule, ...]:
    """FusedBatchNorm*, and the same between the two reshapes that slim puts around it for a tensor of rank 2."""
    x, gamma, beta, mean, variance = (anything() for _ in range(5))
    bare = op(_FUSED, x, gamma, beta, mean, variance, test=_is_inference)
    flat = anything(lambda _, value: rank_of(value) == 2)
    image = op("Reshape", flat)
    inner = op(_FUSED, image, gamma, beta, mean, variance, test=_is_inference)
    back = op("Reshape", inner, ..., test=lambda _, value: rank_of(value) == 2)

    def build(match: Match) -> Node:
        node = match.node(bare)
        data_format = node.attrs.get("data_format", "NHWC")
        return _batch_norm(
            match, (match[x], match[mean], match[variance]), match[gamma], match[beta], _epsilon(node), data_format
        )

    def build_flat(match: Match) -> Node | None:
        node, shape = match.node(inner), match[image].type.shape
        axis = 3 if node.attrs.get("data_format", "NHWC") == "NHWC" else 1
        widths = [match[value].type.shape[1] for value in (flat, back)]  # type: ignore[index]  # their rank is 2
        if shape is None or widths != [shape[axis]] * 2 or [shape[i] for i in (1, 2, 3) if i != axis] != [1, 1]:
            return None
        statistics = (match[flat], match[mean], match[variance])
        return _batch_norm(match, statistics, match[gamma], match[beta], _epsilon(node), LAST[2])

    return (back, build_flat), (bare, build)


def _decomposed() -> Rule:
    """What tf.nn.batch_normalization, Keras and people write."""
    x, gamma, beta, epsilon = anything(), anything(is_vector), anything(is_vector), number()
    mean, variance = anything(_is_statistic), anything(_is_statistic)

    def build(match: Match) -> Node | None:
        rank = rank_of(match[x])
        axes = {axis_of(match[part], match[x]) for part in (mean, variance, gamma, beta) if part in match}
        if rank not in LAST or len(axes) != 1 or not axes <= {1, rank - 1}:
            return None
        vectors = {part: vector_of(match.index, match[part]) for part in (mean, variance, gamma, beta) if part in match}
        inputs = (match[x], *(value for part in (mean, variance) if (value := vectors[part])))
        data_format = (LAST if axes == {rank - 1} else FIRST)[rank]
        return _batch_norm(match, inputs, vectors.get(gamma), vectors.get(beta), match.number(epsilon), data_format)

    return forms(x, mean, variance, gamma, beta, epsilon), build


def _batch_norm(
    match: Match,
    inputs: tuple[Value, ...],
    gamma: Value | None,
    beta: Value | None,
    epsilon: float,
    data_format: str,
) -> Node:
    """`inputs` are x, mean and variance."""
    attrs = {"epsilon": epsilon, "decay": _decay(match), "data_format": data_format}
    return affine(match, "batch_norm", inputs, gamma, beta, attrs)


def _decay(match: Match) -> float:
    """That of the node itself, where export found it; else that of the network; else a default."""
    own = (node.attrs.get("decay") for node in match.nodes)
    known = (decay for decay in (*own, match.index.graph.info.get("batch_norm_decay")) if decay is not None)
    return float(next(known, DECAY))


def _is_inference(index: Index, value: Value) -> bool:
    return not index.producers[value].attrs.get("is_training", True)


def _epsilon(node: Node) -> float:
    return shortest(node.attrs.get("epsilon", 0.0001))


def _is_statistic(index: Index, value: Value) -> bool:
    return vector_of(index, value) in index.graph.params
