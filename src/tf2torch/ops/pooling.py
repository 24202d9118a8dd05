"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence

from tf2torch.ops.expr import NEGATIVE_INF, Call, Expr, F, Var, helpers
from tf2torch.ops.registry import CHANNELS, Refuse, Static, lowers
from tf2torch.ops.windows import differing, explicit, padded, short, spatial

_DEFAULTS = {"padding": 0, "count_include_pad": True, "ceil_mode": False}


def _pool(name: str, axes: int, x: Expr, kernel: Sequence[int], stride: Sequence[int], **keywords: object) -> Call:
    """Torch's own default for the stride is the kernel."""
    steps = {} if tuple(stride) == tuple(kernel) else {"stride": short(stride)}
    function = getattr(F, f"{name}_pool{axes}d")
    result: Call = function(x, short(kernel), **steps, **differing(_DEFAULTS, **keywords))
    return result


def _halves(kernel: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether SAME is ceil_mode: windows of two side by side can only lack their last pixel."""
    return set(kernel) == set(stride) == {2}


def _max_pool(
    x: Var,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> Expr:
    kernel, stride = spatial(ksize, data_format, "ksize"), spatial(strides, data_format, "strides")
    if padding == "SAME" and _halves(kernel, stride):
        return _pool("max", len(kernel), x, kernel, stride, ceil_mode=True)
    none = (1,) * len(kernel)
    paddings = explicit(explicit_paddings, data_format)
    source, widths = padded(x, kernel, stride, none, padding, paddings, NEGATIVE_INF)
    if any(2 * width > k for width, k in zip(widths, kernel, strict=True)):  # more than torch's max_pool pads
        pads = tuple(width for width in reversed(widths) for _ in range(2))
        source, widths = F.pad(x, pads, value=NEGATIVE_INF), (0,) * len(kernel)
    return _pool("max", len(kernel), source, kernel, stride, padding=short(widths))


@lowers("MaxPool", layout=CHANNELS)
def max_pool(
    input: Var,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
) -> Expr:
    """The largest of each window. Padding is never the largest: it is -inf."""
    return _max_pool(input, ksize, strides, padding, explicit_paddings, data_format)


@lowers("MaxPoolV2", layout=CHANNELS)
def max_pool_v2(
    input: Var,
    ksize: Static[tuple[int, ...]],
    strides: Static[tuple[int, ...]],
    *,
    padding: str,
    data_format: str = "NHWC",
) -> Expr:
    """MaxPool whose window is an input."""
    return _max_pool(input, ksize, strides, padding, (), data_format)


@lowers("MaxPool3D", layout=CHANNELS)
def max_pool_3d(
    input: Var, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NDHWC"
) -> Expr:
    """MaxPool over depth, height and width."""
    return _max_pool(input, ksize, strides, padding, (), data_format)


def _avg_pool(x: Var, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str) -> Expr:
    kernel, stride = spatial(ksize, data_format, "ksize"), spatial(strides, data_format, "strides")
    if padding == "SAME" and _halves(kernel, stride):
        return _pool("avg", len(kernel), x, kernel, stride, ceil_mode=True)
    source, widths = padded(x, kernel, stride, (1,) * len(kernel), padding, ())
    if source is not x:
        return helpers.avg_pool_same(x, short(kernel), short(stride))
    return _pool("avg", len(kernel), x, kernel, stride, padding=short(widths), count_include_pad=not any(widths))


@lowers("AvgPool", layout=CHANNELS)
def avg_pool(
    value: Var, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NHWC"
) -> Expr:
    """The mean of each window. Padding does not count."""
    return _avg_pool(value, ksize, strides, padding, data_format)


@lowers("AvgPool3D", layout=CHANNELS)
def avg_pool_3d(
    input: Var, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NDHWC"
) -> Expr:
    """AvgPool over depth, height and width."""
    return _avg_pool(input, ksize, strides, padding, data_format)


@lowers("MaxPoolWithArgmax", layout=CHANNELS)
def max_pool_with_argmax(
    input: Var,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    Targmax: str = "int64",  # noqa: N803  # the attribute's name
    padding: str,
    include_batch_in_index: bool = False,
) -> tuple[Expr, Expr]:
    """MaxPool, and the place of each maximum: a number in TensorFlow's order of axes, which unpooling counts on."""
    if include_batch_in_index or Targmax != "int64":
        raise Refuse(f"include_batch_in_index={include_batch_in_index}, Targmax={Targmax}")
    kernel, stride = spatial(ksize, "NHWC", "ksize"), spatial(strides, "NHWC", "strides")
    same = {"same": True} if padding == "SAME" else {}
    both = helpers.max_pool_with_argmax(input, short(kernel), short(stride), **same)
    return both[0], both[1]
