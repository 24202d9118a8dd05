"""Activations that TensorFlow writes as several ops become one: TensorFlow's own where it has one, else ours.

Where they are not smooth, PyTorch's gradient is that of one side and TensorFlow's composition may have the other's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tf2torch.ir.match import Match, Pattern, Rule, add, anything, either, mul, number, op, rewrite, weight
from tf2torch.ir.types import Attr, Graph, Node, Value
from tf2torch.numerals import shortest
from tf2torch.passes.channels import FIRST, LAST, axis_of, rank_of
from tf2torch.passes.rewrite import as_vector, with_params


def activations(graph: Graph) -> Graph:
    """Every activation is one node.

    Before:
        input %x: float32[?, 4]
        %gate: float32[?, 4] = Sigmoid(%x)
        %y: float32[?, 4] = Mul(%x, %gate)
        output %y
    After:
        input %x: float32[?, 4]
        %y: float32[?, 4] = silu(%x)
        output %y

    Before:
        input %x: float32[?, 4]
        %alpha: float32[] = Const(value=array("float32", 0.1))
        %scaled: float32[?, 4] = Mul(%alpha, %x)
        %y: float32[?, 4] = Maximum(%scaled, %x)
        output %y
    After:
        input %x: float32[?, 4]
        %y: float32[?, 4] = LeakyRelu(%x, alpha=0.1)
        output %y
    """
    flat: dict[Value, Value] = {}
    rules = (*_gated(), *_gelu(), *_leaky_relu(), _prelu(flat), *_softplus(), *_clipped(), _unit_length())
    result = rewrite(graph, *rules)
    return with_params(result, flat) if flat else result


def _tensor() -> Pattern:
    """A tensor of real numbers that is computed or fed."""
    return anything(lambda index, value: "float" in value.type.dtype and index.array(value) is None)


def _rule(name: str, x: Pattern, whole: Pattern, attrs: Mapping[str, Attr] | None = None) -> Rule:
    return whole, lambda match: match.merged(name, x, attrs=attrs)


def _gated() -> tuple[Rule, ...]:
    """What is x times something of x between 0 and 1."""
    x, six, sixth = _tensor(), number(6.0), number(1 / 6)
    ramp = op("Relu6", add(x, number(3.0)))  # 0 to 6
    hard_sigmoid = either(mul(ramp, sixth), op("RealDiv", ramp, six))
    hard_swish = either(
        mul(x, hard_sigmoid), mul(mul(x, ramp), sixth), op("RealDiv", mul(x, ramp), six), mul(mul(x, sixth), ramp)
    )
    return (
        _rule("silu", x, mul(x, op("Sigmoid", either(x, mul(x, number(1.0)))))),
        _rule("mish", x, mul(x, op("Tanh", op("Softplus", x)))),
        _rule("hard_swish", x, hard_swish),
        _rule("hard_sigmoid", x, hard_sigmoid),
    )


def _gelu() -> tuple[Rule, ...]:
    """0.5 * x * (1 + erf(x / sqrt(2))), with erfc(-x / ..), or the tanh of a polynomial; multiplied in any order."""
    x, half, coefficient = _tensor(), number(0.5), number(0.044715)
    root, inverse = either(number(math.sqrt(2)), op("Sqrt", number(2.0))), number(math.sqrt(0.5))
    negative = op("Neg", x)
    erf = op("Erf", either(op("RealDiv", x, root), mul(x, inverse)))
    erfc = op("Erfc", either(op("RealDiv", negative, root), mul(negative, inverse), op("Neg", mul(x, inverse))))
    square = either(op("Square", x), mul(x, x), op("Pow", x, number(2.0)))
    cube = either(op("Pow", x, number(3.0)), mul(x, square))
    polynomial = either(add(x, mul(coefficient, cube)), add(x, mul(mul(mul(coefficient, x), x), x)))
    factored = add(number(1.0), either(mul(coefficient, square), mul(mul(coefficient, x), x)))
    slope = number(math.sqrt(2 / math.pi))
    tanh = op("Tanh", either(mul(slope, polynomial), mul(mul(slope, x), factored), mul(slope, mul(x, factored))))

    def halved(curve: Pattern) -> Pattern:
        return either(mul(x, mul(half, curve)), mul(mul(x, half), curve), mul(half, mul(x, curve)))

    def raised(curve: Pattern) -> Pattern:
        return add(curve, number(1.0))

    return (
        _rule("gelu", x, halved(either(raised(erf), erfc))),
        _rule("gelu", x, halved(raised(tanh)), {"approximate": "tanh"}),
    )


def _leaky_relu() -> tuple[Rule, ...]:
    x, alpha, other = _tensor(), number(), number()
    larger = op("Maximum", x, mul(x, alpha))
    apart = op("Sub", op("Relu", x), mul(op("Relu", op("Neg", x)), alpha))
    chosen = op("Select|SelectV2", op("Greater|GreaterEqual", x, number(0.0)), x, mul(x, alpha))
    mixed = add(mul(x, other), mul(op("Abs", x), alpha))  # as in the first GANs: (1 + a) / 2 * x + (1 - a) / 2 * |x|

    def build(match: Match) -> Node | None:
        slope = match.number(alpha)
        return match.merged("LeakyRelu", x, attrs={"alpha": slope}) if 0 <= slope <= 1 else None

    def build_mixed(match: Match) -> Node | None:
        of_x, of_size = match.number(other), match.number(alpha)
        if not math.isclose(of_x + of_size, 1, abs_tol=1e-6):
            return None
        return match.merged("LeakyRelu", x, attrs={"alpha": shortest(of_x - of_size)})

    return (either(larger, apart, chosen), build), (mixed, build_mixed)


def _prelu(flat: dict[Value, Value]) -> Rule:
    """With a trained slope for each channel. `flat` gets the vectors that slopes of shape [1, 1, C] become."""
    x, slope, zero = _tensor(), weight(), number(0.0)
    positive = either(op("Relu", x), op("Maximum", x, zero))
    size = op("Relu", op("Neg", x))  # of what is negative
    negative = either(
        mul(slope, op("Minimum", x, zero)),
        mul(op("Neg", slope), size),
        mul(slope, op("Neg", size)),
        op("Neg", mul(slope, size)),
        mul(mul(slope, op("Sub", x, op("Abs", x))), number(0.5)),
        mul(slope, mul(op("Sub", x, op("Abs", x)), number(0.5))),
    )

    def build(match: Match) -> Node | None:
        value, rank = match[slope], rank_of(match[x])
        axis = axis_of(value, match[x])
        if rank not in LAST or axis not in (1, rank - 1):
            return None
        if rank_of(value) != 1:
            if value in match.index.kept or len(match.index.users[value]) > 1:
                return None
            flat[value] = as_vector(value)
        attrs = {"data_format": (LAST if axis == rank - 1 else FIRST)[rank]}
        return match.merged("prelu", match[x], flat.get(value, value), attrs=attrs)

    return either(add(positive, negative), op("Sub", positive, mul(slope, size))), build


def _softplus() -> tuple[Rule, ...]:
    x, one = _tensor(), number(1.0)
    size = op("Exp", op("Neg", op("Abs", x)))
    above = either(op("Relu", x), op("Maximum", x, number(0.0)))
    return (
        _rule("Softplus", x, either(op("Log", add(op("Exp", x), one)), op("Log1p", op("Exp", x)))),
        _rule("Softplus", x, add(above, either(op("Log1p", size), op("Log", add(size, one))))),
        _rule("Softsign", x, op("RealDiv", x, add(op("Abs", x), one))),
    )


def _clipped() -> tuple[Rule, ...]:
    x, low, high = _tensor(), number(), number()
    both = either(op("Maximum", op("Minimum", x, high), low), op("Minimum", op("Maximum", x, low), high))

    def build(match: Match) -> Node | None:
        least, most = match.number(low), match.number(high)
        if (least, most) == (0, 6):
            return match.merged("Relu6", x)
        return match.merged("ClipByValue", x, low, high) if least <= most else None

    return (
        (both, build),
        _rule("Relu6", x, op("Minimum", op("Relu", x), number(6.0))),
        _rule("Relu", x, op("Maximum", x, number(0.0))),
    )


def _unit_length() -> Rule:
    """Vectors along an axis, divided by their length or by the least one allowed: tf.nn.l2_normalize."""
    x, least = _tensor(), number()
    total = op("Sum", op("Square", x))
    whole = mul(x, op("Rsqrt", op("Maximum", total, least)))

    def build(match: Match) -> Node | None:
        attrs, square = match.node(total).attrs, match.number(least)
        axes = attrs["reduction_indices"]
        axis = axes[0] if isinstance(axes, tuple) and len(axes) == 1 else axes
        if not attrs.get("keep_dims") or not isinstance(axis, int) or square <= 0:
            return None
        return match.merged("l2_normalize", x, attrs={"axis": axis, "least": shortest(math.sqrt(square))})

    return whole, build
