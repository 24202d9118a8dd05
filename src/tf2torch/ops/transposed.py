"""Transposed convolutions, which TensorFlow calls by what they are the gradient of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tf2torch.ops.convolution import depthwise_weight
from tf2torch.ops.expr import Expr, F, Var, helpers
from tf2torch.ops.registry import Refuse, Static, channels, lowers
from tf2torch.ops.windows import differing, explicit, multiple, short, spatial

Pair = tuple[int, int]
_DEFAULTS = {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1}


def _crop(wanted: Any, y: Var, axis: int, reach: int, stride: int, padding: str, pair: Pair | None) -> Pair | None:
    """How much of the whole product is cut off before and after; what is negative is added.

    None where that depends on a size that is not known at conversion. SAME cuts half, rounded down, off the start:
    rounded up, the shape would be right too and every value shifted.
    """
    linear = multiple(wanted, y, axis)
    if isinstance(wanted, int):
        before, after = pair or (0, 0)
        steps = -(-wanted // stride) if padding == "SAME" else (wanted + before + after - reach) // stride + 1
        missing = (steps - 1) * stride + reach - wanted
    elif linear is not None and linear[0] == stride:
        missing = reach - stride - linear[1]
    else:
        return None
    start = {"SAME": max(missing, 0) // 2, "VALID": 0}.get(padding, pair[0] if pair else 0)
    return start, missing - start


def _transposed(
    y: Var,
    weight: Expr,
    bias: Var | None,
    kernel: Sequence[int | None],
    sizes: Sequence[Any],
    *,
    groups: int,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    dilations: Sequence[int],
    data_format: str,
) -> Expr:
    stride, dilation = spatial(strides, data_format, "strides"), spatial(dilations, data_format, "dilations")
    known = tuple(n for n in kernel if n is not None)
    if len(known) < len(kernel):
        raise Refuse("a kernel whose size is only known while the network runs")
    reach = tuple((k - 1) * d + 1 for k, d in zip(known, dilation, strict=True))
    wanted = spatial(sizes, data_format)
    pairs = explicit(explicit_paddings, data_format) or (None,) * len(known)
    crops = [_crop(wanted[i], y, 2 + i, reach[i], stride[i], padding, pairs[i]) for i in range(len(known))]
    function = {2: F.conv_transpose2d, 3: F.conv_transpose3d}[len(known)]
    keywords = {"stride": short(stride), "groups": groups, "dilation": short(dilation)}
    sure = [crop for crop in crops if crop is not None]
    if len(sure) == len(crops):
        return _cropped(function, (y, weight, *_given(bias)), keywords, sure, stride, dilation)
    if padding == "EXPLICIT":
        raise Refuse("explicit padding and a size that is only known while the network runs")
    whole = function(y, weight, **differing(_DEFAULTS, **keywords))
    result = helpers.crop_same(whole, wanted)
    return result if bias is None else result + bias.reshape(-1, *(1,) * len(known))


def _cropped(
    function: Any,
    tensors: tuple[Expr, ...],
    keywords: dict[str, Any],
    crops: Sequence[Pair],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Expr:
    """What torch cuts is the same on both sides, and output_padding adds at the end; the rest is sliced off."""
    before = [start for start, _ in crops]
    longer = [max(start - end, 0) for start, end in crops]
    if any(extra >= max(s, d) for extra, s, d in zip(longer, stride, dilation, strict=True)):
        raise Refuse("its size is larger than the product of stride and input can be")
    keywords = {**keywords, "padding": short(before), "output_padding": short(longer)}
    result: Expr = function(*tensors, **differing(_DEFAULTS, **keywords))
    cuts = [end - start for start, end in crops]
    if not any(cut > 0 for cut in cuts):
        return result
    return result[(slice(None), slice(None), *(slice(None, -cut if cut > 0 else None) for cut in cuts))]


def _given(bias: Var | None) -> tuple[Var, ...]:
    return () if bias is None else (bias,)


def _groups(sizes: Sequence[Any], data_format: str, of_kernel: int | None) -> int:
    """Into how many groups a kernel of fewer output channels splits the result."""
    total = sizes[-1] if data_format.endswith("C") else sizes[1]
    return total // of_kernel if isinstance(total, int) and of_kernel is not None else 1


@lowers("Conv2DBackpropInput", layout=channels("out_backprop"))
def conv2d_transpose(
    input_sizes: Static[tuple[Any, ...]],
    filter: Var,
    out_backprop: Var,
    bias: Var | None = None,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Expr:
    """A transposed convolution; input_sizes is the shape of its result."""
    return _transposed(
        out_backprop,
        filter.permute(3, 2, 0, 1),
        bias,
        filter.dims[:2],
        input_sizes,
        groups=_groups(input_sizes, data_format, filter.dims[2]),
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        dilations=dilations,
        data_format=data_format,
    )


@lowers("Conv3DBackpropInputV2", layout=channels("out_backprop"))
def conv3d_transpose(
    input_sizes: Static[tuple[Any, ...]],
    filter: Var,
    out_backprop: Var,
    bias: Var | None = None,
    *,
    strides: Sequence[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: Sequence[int] = (1, 1, 1, 1, 1),
) -> Expr:
    """A transposed convolution over depth, height and width."""
    return _transposed(
        out_backprop,
        filter.permute(4, 3, 0, 1, 2),
        bias,
        filter.dims[:3],
        input_sizes,
        groups=_groups(input_sizes, data_format, filter.dims[3]),
        strides=strides,
        padding=padding,
        dilations=dilations,
        data_format=data_format,
    )


@lowers("DepthwiseConv2dNativeBackpropInput", layout=channels("out_backprop"))
def depthwise_conv2d_transpose(
    input_sizes: Static[tuple[Any, ...]],
    filter: Var,
    out_backprop: Var,
    bias: Var | None = None,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Expr:
    """A transposed convolution that adds up each channel's multiples."""
    return _transposed(
        out_backprop,
        depthwise_weight(filter),
        bias,
        filter.dims[:2],
        input_sizes,
        groups=filter.dims[2] or 1,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        dilations=dilations,
        data_format=data_format,
    )
