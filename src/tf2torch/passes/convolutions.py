"""Convolutions that TensorFlow writes as several ops: over one axis, and with holes.

Both may be around each other, in either order. What is around a convolution with a computed kernel is raised too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tf2torch.ir.match import Match, Rule, anything, op, rewrite
from tf2torch.ir.types import Attr, Graph, Node, Shape, Value
from tf2torch.ops.expr import Call, Var
from tf2torch.ops.registry import handlers
from tf2torch.passes import host
from tf2torch.passes.host import Array
from tf2torch.passes.statics import as_static

_WITH_HOLES = "Conv2D|DepthwiseConv2dNative|Conv3D|conv1d"
Pair = tuple[int, int]


def convolutions(graph: Graph) -> Graph:
    r"""conv1d and dilations.

    Before (what tf.nn.conv1d is):
        input %x: float32[?, 9, 4]
        param %w: float32[3, 4, 8] trainable
        %image: float32[?, 1, 9, 4] = ExpandDims(%x, dim=1)
        %kernel: float32[1, 3, 4, 8] = ExpandDims(%w, dim=0)
        %convolved: float32[?, 1, 9, 8] = Conv2D(%image, %kernel, padding="SAME", strides=(1, 1, 2, 1))
        %y: float32[?, 9, 8] = Squeeze(%convolved, squeeze_dims=(1,))
        output %y
    After:
        input %x: float32[?, 9, 4]
        param %w: float32[3, 4, 8] trainable
        %y: float32[?, 9, 8] = conv1d(%x, %w, padding="SAME", strides=(1, 2, 1), data_format="NWC")
        output %y

    Before (what SAME with a dilation of 2 is; the blocks need a line more at the bottom):
        input %x: float32[?, 9, 9, 4]
        param %w: float32[3, 3, 4, 8] trainable
        %blocks: float32[?, 7, 7, 4] = SpaceToBatchND(%x, block_shape=(2, 2), paddings=((2, 3), (2, 3)))
        %convolved: float32[?, 5, 5, 8] = Conv2D(%blocks, %w, padding="VALID", strides=(1, 1, 1, 1))
        %y: float32[?, 9, 9, 8] = BatchToSpaceND(%convolved, block_shape=(2, 2), crops=((0, 1), (0, 1)))
        output %y
    After:
        input %x: float32[?, 9, 9, 4]
        param %w: float32[3, 3, 4, 8] trainable
        %y: float32[?, 9, 9, 8] = Conv2D(%x, %w, padding="SAME", strides=(1, 1, 1, 1), dilations=(1, 2, 2, 1))
        output %y
    """
    return rewrite(graph, _one_axis(), _holes(host.evaluate(graph)))


def _one_axis() -> Rule:
    x, weight = anything(), anything()
    image, kernel = op("ExpandDims", x), op("ExpandDims", weight)
    convolution = op("Conv2D", image, kernel)
    whole = op("Squeeze", convolution)

    def build(match: Match) -> Node | None:
        node, shape = match.node(convolution), match[x].type.shape
        if shape is None or len(shape) != 3 or match.node(kernel).attrs.get("dim") not in (0, -4):
            return None
        extra = match.node(image).attrs.get("dim", 0) % 4
        first = node.attrs.get("data_format", "NHWC") == "NCHW"
        if extra != (2 if first else 1) or [axis % 4 for axis in match.node(whole).attrs.get("squeeze_dims", ())] != [
            extra
        ]:
            return None
        attrs = {name: _without(extra, name, value) for name, value in node.attrs.items()}
        attrs["data_format"] = "NCW" if first else "NWC"
        return match.merged("conv1d", x, weight, attrs=attrs, scope=node.scope)

    return whole, build


def _without(axis: int, name: str, value: Attr) -> Attr:
    """An attribute of a Conv2D without the entries of an axis of length 1."""
    if name in ("strides", "dilations"):
        return tuple(value[:axis]) + tuple(value[axis + 1 :])
    if name == "explicit_paddings":
        return tuple(value[: 2 * axis]) + tuple(value[2 * axis + 2 :])
    return value


def _holes(known: Mapping[Value, Array]) -> Rule:
    """`known` has the paddings and crops that depend on the size of the image, and so are no attributes yet."""
    x = anything()
    blocks = op("SpaceToBatchND", x, ...)
    convolution = op(_WITH_HOLES, blocks, anything())
    whole = op("BatchToSpaceND", convolution, ...)

    def given(node: Node, *names: str) -> list[Attr]:
        absent = (name for name in names if name not in node.attrs)
        inputs = {name: as_static(known.get(value)) for name, value in zip(absent, node.inputs[1:], strict=True)}
        return [{**node.attrs, **inputs}[name] for name in names]

    def build(match: Match) -> Node | None:
        node = match.node(convolution)
        block, paddings = given(match.node(blocks), "block_shape", "paddings")
        same_block, crops = given(match.node(whole), "block_shape", "crops")
        widths = _widths(paddings, crops) if block is not None and block == same_block else None
        attrs = None if widths is None else _dilated(node, block, widths)
        return None if attrs is None else match.merged(node.op, x, *node.inputs[1:], attrs=attrs, scope=node.scope)

    return whole, build


def _dilated(node: Node, block: tuple[int, ...], widths: tuple[Pair, ...]) -> dict[str, Attr] | None:
    """The attributes of a convolution for what it does between SpaceToBatchND and BatchToSpaceND."""
    ones = (1,) * len(node.attrs["strides"])
    plain = node.attrs["padding"] == "VALID" and node.attrs["strides"] == node.attrs.get("dilations", ones) == ones
    kernel = node.inputs[1].type.shape
    if not plain or kernel is None:
        return None
    after = len(ones) - 1 - len(widths)  # axes that the blocks leave out, at the end
    dilations = (1, *block, *(1,) * after)
    widths = ((0, 0), *widths, *((0, 0),) * after)
    attrs = {**node.attrs, "dilations": dilations}
    if not any(map(any, widths)):
        return attrs
    if widths == _same(kernel, dilations, node.attrs.get("data_format", "NHWC")):
        return {**attrs, "padding": "SAME"}
    if "explicit_paddings" not in handlers()[node.op].attrs:
        return None
    return {**attrs, "padding": "EXPLICIT", "explicit_paddings": tuple(width for pair in widths for width in pair)}


def _same(kernel: Shape, dilations: Sequence[int], data_format: str) -> tuple[Pair, ...]:
    """What SAME adds before and after each axis at a stride of 1."""
    sizes = (1, *kernel[:-2], 1) if data_format.endswith("C") else (1, 1, *kernel[:-2])
    reaches = [((size or 1) - 1) * dilation for size, dilation in zip(sizes, dilations, strict=True)]
    return tuple((reach // 2, reach - reach // 2) for reach in reaches)


def _widths(paddings: Sequence[Pair] | None, crops: Sequence[Pair] | None) -> tuple[Pair, ...] | None:
    """What is padded and not cropped again, before and after each axis; None where it is not known or negative."""
    if paddings is None or crops is None:
        return None
    found = [(_difference(p, c), _difference(q, d)) for (p, q), (c, d) in zip(paddings, crops, strict=True)]
    known = tuple((before, after) for before, after in found if before is not None and after is not None)
    return known if len(known) == len(found) and all(min(pair) >= 0 for pair in known) else None


def _difference(padding: Any, crop: Any) -> int | None:
    """What of a padding is not cropped. What fills the last block depends on the image, and is part of both."""
    if isinstance(padding, int) and isinstance(crop, int):
        return padding - crop
    if _text(padding) == _text(crop):
        return 0
    match padding:
        case Call("operator.add", (int(width), rest)) | Call("operator.add", (rest, int(width))):
            return width if _text(rest) == _text(crop) else None
    return None


def _text(number: Any) -> str:
    """Two host integers of the same text are the same."""
    if isinstance(number, Call):
        return f"{number.function}({', '.join(map(_text, number.args))})"
    return str(number.value.name if isinstance(number, Var) else number)
