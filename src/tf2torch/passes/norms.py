"""Batch norm, in each of the forms in which TensorFlow graphs have it, becomes one node of our own op "batch_norm".

    inputs  x, mean, variance, then gamma and beta unless they are absent (has_gamma, has_beta)
    attrs   epsilon, decay, has_gamma, has_beta, data_format

gamma of ones and beta of zeros that are constants of the graph (slim's scale=False, center=False) count as absent:
there is no variable, and so nothing to train. Mean and variance become buffers.
Norms over the image itself (layer, instance and L2 norms) stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

from tf2torch.ir.match import Index, Match, Rule, add, anything, either, mul, number, op, rewrite, shortest
from tf2torch.ir.types import Graph, Node, Value

# TensorFlow's graphs do not carry the decay of a batch norm that is not fused, and often not that of a fused one
# either: it belongs to the update of the averages, which inference leaves out. Where export did not find it, it is
# the default of tf.contrib and slim, from which most networks of TensorFlow 1 come (Keras' own is 0.99). It plays
# no part until somebody trains on.
DECAY = 0.999
_FUSED = "FusedBatchNorm|FusedBatchNormV2|FusedBatchNormV3"
_RESHAPES = ("Reshape", "ExpandDims")
_LAST = {2: "NC", 3: "NWC", 4: "NHWC", 5: "NDHWC"}  # data_format by rank where channels are last, and where first
_FIRST = {2: "NC", 3: "NCW", 4: "NCHW", 5: "NCDHW"}


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
            has_gamma=True, has_beta=True, data_format="NHWC")
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
            has_gamma=False, has_beta=True, data_format="NHWC")
        output %y
    """
    graph = rewrite(graph, *_fused(), _decomposed())
    statistics = {value for node in graph.nodes if node.op == "batch_norm" for value in node.inputs[1:3]}
    params = {
        value: replace(param, kind="buffer") if value in statistics else param for value, param in graph.params.items()
    }
    return replace(graph, params=params)


def _fused() -> tuple[Rule, ...]:
    """FusedBatchNorm*, and the same between the two reshapes that slim puts around it for a tensor of rank 2."""
    x, gamma, beta, mean, variance = (anything() for _ in range(5))
    bare = op(_FUSED, x, gamma, beta, mean, variance, test=_is_inference)
    flat = anything(lambda _, value: _rank(value) == 2)
    image = op("Reshape", flat)
    inner = op(_FUSED, image, gamma, beta, mean, variance, test=_is_inference)
    back = op("Reshape", inner, ..., test=lambda _, value: _rank(value) == 2)

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
        return _batch_norm(match, statistics, match[gamma], match[beta], _epsilon(node), _LAST[2])

    return (back, build_flat), (bare, build)


def _decomposed() -> Rule:
    """What tf.nn.batch_normalization, Keras and people write."""
    x, gamma, beta, epsilon = anything(), anything(_is_vector), anything(_is_vector), number()
    mean, variance = anything(_is_statistic), anything(_is_statistic)
    deviation = op("Sqrt", add(variance, epsilon))
    inverse = either(op("Rsqrt", add(variance, epsilon)), op("RealDiv", number(1.0), deviation))
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
    whole = either(
        add(mul(x, scale), shift),
        op("Sub", mul(x, scale), mul(mean, scale)),
        add(scaled, beta),
        scaled,
    )

    def build(match: Match) -> Node | None:
        rank = _rank(match[x])
        axes = {_axis(match[part], match[x]) for part in (mean, variance, gamma, beta) if part in match}
        if rank not in _LAST or len(axes) != 1 or not axes <= {1, rank - 1}:
            return None
        vectors = {part: _vector(match.index, match[part]) for part in (mean, variance, gamma, beta) if part in match}
        inputs = (match[x], *(value for part in (mean, variance) if (value := vectors[part])))
        data_format = (_LAST if axes == {rank - 1} else _FIRST)[rank]
        return _batch_norm(match, inputs, vectors.get(gamma), vectors.get(beta), match.number(epsilon), data_format)

    return whole, build


def _batch_norm(
    match: Match,
    inputs: tuple[Value, ...],
    gamma: Value | None,
    beta: Value | None,
    epsilon: float,
    data_format: str,
) -> Node:
    """`inputs` are x, mean and variance; then come gamma and beta, but for constants that do nothing."""
    has_gamma = gamma is not None and match.index.constant(gamma) != 1
    has_beta = beta is not None and match.index.constant(beta) != 0
    attrs = {
        "epsilon": epsilon,
        "decay": _decay(match),
        "has_gamma": has_gamma,
        "has_beta": has_beta,
        "data_format": data_format,
    }
    optional = (value for value, has in ((gamma, has_gamma), (beta, has_beta)) if has and value is not None)
    return match.merged("batch_norm", *inputs, *optional, attrs=attrs)


def _decay(match: Match) -> float:
    """That of the node itself, where export found it; else that of the network; else a default."""
    own = (node.attrs.get("decay") for node in match.nodes)
    known = (decay for decay in (*own, match.index.graph.info.get("batch_norm_decay")) if decay is not None)
    return float(next(known, DECAY))


def _is_inference(index: Index, value: Value) -> bool:
    return not index.producers[value].attrs.get("is_training", True)


def _epsilon(node: Node) -> float:
    return shortest(node.attrs.get("epsilon", 0.0001))


def _rank(value: Value) -> int | None:
    return None if value.type.shape is None else len(value.type.shape)


def _vector(index: Index, value: Value) -> Value | None:
    """The param or constant of rank 1 that a value is, be it reshaped to [1, C, 1, 1]."""
    node = index.producers.get(value)
    while node is not None and node.op in _RESHAPES:
        value = node.inputs[0]
        node = index.producers.get(value)
    is_given = value in index.graph.params or index.array(value) is not None
    return value if is_given and _rank(value) == 1 else None


def _is_vector(index: Index, value: Value) -> bool:
    return _vector(index, value) is not None


def _is_statistic(index: Index, value: Value) -> bool:
    return _vector(index, value) in index.graph.params


def _axis(vector: Value, x: Value) -> int | None:
    """The axis of x along which a vector, maybe reshaped, lies; None if it is not one number for each channel."""
    shape, of_x = vector.type.shape, x.type.shape
    if not shape or of_x is None or len(shape) not in (1, len(of_x)):
        return None
    if len(shape) == 1:
        return len(of_x) - 1 if shape[0] == of_x[-1] else None
    wide = [axis for axis, length in enumerate(shape) if length != 1]
    return wide[0] if len(wide) == 1 and shape[wide[0]] == of_x[wide[0]] else None
