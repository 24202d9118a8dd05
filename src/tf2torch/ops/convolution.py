"""Convolutions. TensorFlow's kernels are [*sizes, in, out], torch's [out, in, *sizes]."""

from __future__ import annotations

from collections.abc import Sequence

from tf2torch.ops.expr import Expr, F, Var
from tf2torch.ops.registry import CHANNELS, Refuse, lowers
from tf2torch.ops.windows import differing, explicit, padded, short, spatial

_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def _convolution(
    x: Var,
    weight: Expr,
    bias: Var | None,
    kernel: Sequence[int | None],
    *,
    groups: int,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    dilations: Sequence[int],
    data_format: str,
) -> Expr:
    stride, dilation = spatial(strides, data_format, "strides"), spatial(dilations, data_format, "dilations")
    known = tuple(n for n in kernel if n is not None)
    if len(known) < len(kernel) and padding == "SAME":
        raise Refuse("SAME padding of a kernel whose size is only known while the network runs")
    source, widths = padded(x, known, stride, dilation, padding, explicit(explicit_paddings, data_format))
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(kernel)]
    keywords = differing(
        _DEFAULTS, stride=short(stride), padding=short(widths or (0,)), dilation=short(dilation), groups=groups
    )
    return function(source, weight, *(() if bias is None else (bias,)), **keywords)


def _groups(channels: int | None, of_kernel: int | None) -> int:
    """Into how many groups a kernel of fewer input channels splits its input."""
    return channels // of_kernel if channels is not None and of_kernel is not None else 1


@lowers("Conv2D", layout=CHANNELS)
def conv2d(
    input: Var,
    filter: Var,
    bias: Var | None = None,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Expr:
    """A convolution. Its groups are those input channels that the kernel does not have."""
    return _convolution(
        input,
        filter.permute(3, 2, 0, 1),
        bias,
        filter.dims[:2],
        groups=_groups(input.dims[1], filter.dims[2]),
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        dilations=dilations,
        data_format=data_format,
    )


@lowers("Conv3D", layout=CHANNELS)
def conv3d(
    input: Var,
    filter: Var,
    bias: Var | None = None,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NDHWC",
    dilations: Sequence[int] = (1, 1, 1, 1, 1),
) -> Expr:
    """A convolution over depth, height and width. TensorFlow's has no explicit paddings; passes.padding sets them."""
    return _convolution(
        input,
        filter.permute(4, 3, 0, 1, 2),
        bias,
        filter.dims[:3],
        groups=_groups(input.dims[1], filter.dims[3]),
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        dilations=dilations,
        data_format=data_format,
    )


@lowers("conv1d", layout=CHANNELS)
def conv1d(
    input: Var,
    filter: Var,
    bias: Var | None = None,
    *,
    strides: Sequence[int] = (1, 1, 1),
    padding: str = "VALID",
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NWC",
    dilations: Sequence[int] = (1, 1, 1),
) -> Expr:
    """ExpandDims, Conv2D, Squeeze: TensorFlow has no such op. The lists have an entry for each of the three axes."""
    return _convolution(
        input,
        filter.permute(2, 1, 0),
        bias,
        filter.dims[:1],
        groups=_groups(input.dims[1], filter.dims[1]),
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        dilations=dilations,
        data_format=data_format,
    )


def depthwise_weight(filter: Var) -> Expr:
    """[height, width, in, multiplier] as torch has it: output channels are the inputs' multiples, side by side."""
    height, width, channels, multiplier = filter.dims
    if height is None or width is None or channels is None or multiplier is None:
        raise Refuse("a kernel whose size is only known while the network runs")
    return filter.permute(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


@lowers("DepthwiseConv2dNative", layout=CHANNELS)
def depthwise_conv2d(
    input: Var,
    filter: Var,
    bias: Var | None = None,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Expr:
    """A convolution of each channel by itself, with as many groups as channels."""
    return _convolution(
        input,
        depthwise_weight(filter),
        bias,
        filter.dims[:2],
        groups=filter.dims[2] or 1,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        dilations=dilations,
        data_format=data_format,
    )
