"""Zeros that are put around a tensor become the padding of the convolution that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tf2torch.ir.match import Index, Match, Rule, anything, either, number, op, rewrite
from tf2torch.ir.types import Graph, Node, Value
from tf2torch.ops.registry import handlers

_CONVOLUTIONS = "Conv2D|DepthwiseConv2dNative|Conv3D|conv1d"


def padding(graph: Graph) -> Graph:
    r"""Pad before a convolution that pads nothing, or a number that is known.

    Before:
        input %x: float32[?, 8, 8, 3]
        param %w: float32[3, 3, 3, 4] trainable
        %padded: float32[?, 10, 10, 3] = Pad(%x, paddings=((0, 0), (1, 1), (1, 1), (0, 0)))
        %y: float32[?, 4, 4, 4] = Conv2D(%padded, %w, padding="VALID", strides=(1, 2, 2, 1))
        output %y
    After:
        input %x: float32[?, 8, 8, 3]
        param %w: float32[3, 3, 3, 4] trainable
        %y: float32[?, 4, 4, 4] = Conv2D(%x, %w, padding="EXPLICIT", strides=(1, 2, 2, 1), \
            explicit_paddings=(0, 0, 1, 1, 1, 1, 0, 0))
        output %y

    Max pooling pads with -inf, and so a Pad before one stays.
    """
    return rewrite(graph, _padded())


def _padded() -> Rule:
    x = anything()
    zeros = either(op("Pad", x), op("PadV2", x, number(0.0)), op("PadV2", x, test=_has_zero))
    whole = op(_CONVOLUTIONS, zeros, ...)

    def build(match: Match) -> Node | None:
        node = match.nodes[-1]
        paddings = _explicit(node, match.node(zeros).attrs.get("paddings"))
        if paddings is None or "explicit_paddings" not in handlers()[node.op].attrs:
            return None
        attrs = {**node.attrs, "padding": "EXPLICIT", "explicit_paddings": paddings}
        return match.merged(node.op, x, *node.inputs[1:], attrs=attrs)

    return whole, build


def _has_zero(index: Index, value: Value) -> bool:
    """Whether a PadV2 whose number is an attribute already pads zeros."""
    return index.producers[value].attrs.get("constant_values") == 0


def _explicit(node: Node, paddings: Sequence[Sequence[Any]] | None) -> tuple[int, ...] | None:
    """The widths of a Pad and of the convolution together, as explicit_paddings; None where that is not possible."""
    if node.attrs["padding"] not in ("VALID", "EXPLICIT") or paddings is None:
        return None
    widths = [width for pair in paddings for width in pair]
    own = node.attrs.get("explicit_paddings") or (0,) * len(widths)
    if len(own) != len(widths) or not all(isinstance(width, int) for width in widths):
        return None
    channels = 1 if node.attrs.get("data_format", "").startswith("NC") else len(paddings) - 1
    if any(map(any, (paddings[0], paddings[channels]))):
        return None
    return tuple(a + b for a, b in zip(own, widths, strict=True))
