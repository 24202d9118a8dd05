"""What is probably wrong, from how the numbers differ: a table of the mistakes that conversions make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The same elements of one tensor, as each side computes them."""

    ours: Array  # [n]
    theirs: Array  # [n]
    positions: Indices  # [n, rank]: where each element stands in TensorFlow's tensor
    shape: tuple[int, ...]  # of TensorFlow's tensor, batch first
    tolerance: float  # relative to the largest magnitude

    @property
    def scale(self) -> float:
        return float(np.abs(self.theirs).max()) or 1.0

    @property
    def differs(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return ~(np.abs(self.ours - self.theirs) <= self.tolerance * self.scale)  # so that NaN differs

    @property
    def correlation(self) -> float:
        """Of both sides; 0 where one of them is constant."""
        if self.ours.std() == 0 or self.theirs.std() == 0:
            return 0.0
        return float(np.corrcoef(self.ours, self.theirs)[0, 1])


def positions(indices: Indices, shape: Sequence[int]) -> Indices:
    """The coordinates [n, rank] of flat indices [n] in a tensor."""
    if not shape:
        return np.zeros((len(indices), 0), np.int64)
    return np.stack(np.unravel_index(indices, tuple(shape)), 1)


def no_number(evidence: Evidence) -> bool:
    return not np.isfinite(evidence.ours).all()


def only_at_the_border(evidence: Evidence) -> bool:
    """Along the spatial axes nothing differs but within a few elements of an edge."""
    sizes = np.array(evidence.shape[1:-1])
    if not sizes.size or sizes.min() < 3:
        return False
    spatial = evidence.positions[:, 1:-1]
    distance = np.minimum(spatial, sizes - 1 - spatial)  # [n, spatial axes], 0 at an edge
    inner = (distance >= np.maximum(sizes // 6, 1)).all(1)
    return bool(inner.any()) and not evidence.differs[inner].any()


def only_below_zero(evidence: Evidence) -> bool:
    """What TensorFlow leaves positive agrees."""
    return bool((evidence.theirs > 0).any()) and not evidence.differs[evidence.theirs > 0].any()


def not_rectified(evidence: Evidence) -> bool:
    return bool(evidence.theirs.min() >= 0 > evidence.ours.min()) and only_below_zero(evidence)


def rectified(evidence: Evidence) -> bool:
    return bool(evidence.ours.min() >= 0 > evidence.theirs.min())


def not_capped(evidence: Evidence) -> bool:
    return bool(evidence.theirs.max() <= 6 < evidence.ours.max()) and not evidence.differs[evidence.theirs < 6].any()


def by_a_factor(evidence: Evidence) -> bool:
    """One side is a multiple of the other."""
    square = float(evidence.theirs @ evidence.theirs)
    factor = float(evidence.ours @ evidence.theirs) / square if square else 0.0
    return bool(np.abs(evidence.ours - factor * evidence.theirs).max() <= 1e-3 * abs(1 - factor) * evidence.scale)


def by_an_offset(evidence: Evidence) -> bool:
    """The difference is the same wherever the last coordinate is the same, and is not always the same multiple."""
    if len(evidence.shape) < 2:
        return False
    difference = evidence.ours - evidence.theirs
    channels = evidence.positions[:, -1]
    order = np.argsort(channels, kind="stable")
    groups = np.split(difference[order], np.flatnonzero(np.diff(channels[order])) + 1)
    several = [group for group in groups if len(group) > 1]
    return bool(several) and max(float(np.ptp(group)) for group in several) <= 1e-2 * float(np.abs(difference).max())


def nearly_the_same(evidence: Evidence) -> bool:
    return evidence.correlation > 0.99


def unrelated(evidence: Evidence) -> bool:
    return evidence.correlation < 0.9


def anything(evidence: Evidence) -> bool:  # noqa: ARG001  # the signature of every predicate
    return True


@dataclass(frozen=True, slots=True)
class Cause:
    ops: frozenset[str]  # of which TensorFlow op it is a mistake; empty: of any
    when: Callable[[Evidence], bool]
    hint: str


CONVOLUTIONS = "Conv2D Conv3D DepthwiseConv2dNative"
TRANSPOSED = "Conv2DBackpropInput Conv3DBackpropInputV2"
NORMS = "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Rsqrt"
AVERAGES = "AvgPool AvgPool3D"
MAXIMA = "MaxPool MaxPoolV2 MaxPool3D"
RESIZES = "ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea CropAndResize"
RECTIFIERS = "Relu Relu6 LeakyRelu Elu Selu"
PRODUCTS = "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum"
AXES = "Softmax LogSoftmax Mean Sum Max Min ArgMax Split SplitV Unpack GatherV2 Cumsum"
SHUFFLES = "Reshape Transpose DepthToSpace SpaceToDepth SpaceToBatchND BatchToSpaceND"


def _cause(ops: str, when: Callable[[Evidence], bool], hint: str) -> Cause:
    return Cause(frozenset(ops.split()), when, hint)


# The first that fits is given, so that the surest come first.
CAUSES = (
    _cause(NORMS, no_number, "mean and variance of the batch norm in each other's place, or not loaded"),
    _cause("", no_number, "weights that are not loaded, a division by 0, or max pooling of nothing but padding"),
    _cause(RECTIFIERS, not_rectified, "the activation is missing: values below 0 come through"),
    _cause("Relu6", not_capped, "Relu6 stops at 6"),
    _cause("", rectified, "an activation too many: nothing is below 0, TensorFlow's values are"),
    _cause("LeakyRelu Elu Selu", only_below_zero, "alpha of the activation: LeakyRelu's default is 0.2, torch's 0.01"),
    _cause(AVERAGES, only_at_the_border, "average pooling counts the padding: count_include_pad=False"),
    _cause(MAXIMA, only_at_the_border, "max pooling pads with -inf, not with 0"),
    _cause(RESIZES, only_at_the_border, "alignment of the corners: align_corners, half_pixel_centers"),
    _cause("Pad PadV2 MirrorPad", only_at_the_border, "width, mode or value of the padding"),
    _cause(
        f"{CONVOLUTIONS} {TRANSPOSED}",
        only_at_the_border,
        "padding: SAME pads evenly, but an odd pixel goes to the right and to the bottom",
    ),
    _cause(f"{CONVOLUTIONS} {TRANSPOSED} {PRODUCTS} BiasAdd Add AddV2", by_an_offset, "the bias is missing"),
    _cause("LRN", by_a_factor, "LRN: torch divides alpha by the size, TensorFlow does not"),
    _cause("", by_a_factor, "a constant factor: a scale, a dropout that is left in, or a mean for a sum"),
    _cause(NORMS, nearly_the_same, "epsilon of the batch norm (TensorFlow's 0.001, torch's 0.00001)"),
    _cause("Erf Tanh Gelu", nearly_the_same, "the form of GELU: by erf, or approximated by tanh"),
    _cause(RESIZES, anything, "alignment of the corners: align_corners, half_pixel_centers"),
    _cause(
        CONVOLUTIONS,
        anything,
        "asymmetric SAME padding (stride 2 or an even kernel moves everything by a pixel), stride, dilation, or the "
        "order of the kernel's axes: HWIO becomes OIHW",
    ),
    _cause(TRANSPOSED, anything, "a transposed convolution with SAME: what is cut off, and the order of axes (HWOI)"),
    _cause(
        PRODUCTS,
        anything,
        "the weights are transposed ([in, out] becomes [out, in]), or what is flattened before is in channels-first "
        "order",
    ),
    _cause(NORMS, anything, "order of gamma, beta, mean and variance of the batch norm, or its axis"),
    _cause("Concat ConcatV2 Pack", anything, "order of what is joined, or the axis: channels are last in TensorFlow"),
    _cause(f"{AXES} {SHUFFLES}", anything, "order of the axes: channels are last in TensorFlow, second in torch"),
    _cause(f"{AVERAGES} {MAXIMA}", anything, "kernel, stride or padding of the pooling"),
    _cause("FloorDiv FloorMod Mod TruncateDiv TruncateMod", anything, "the sign of division and modulo"),
    _cause("", unrelated, "order of the axes, or the weights of another layer"),
)
SHAPE_CAUSES = (
    _cause(f"{CONVOLUTIONS} {TRANSPOSED} {AVERAGES} {MAXIMA}", anything, "SAME or VALID, stride, dilation or kernel"),
    _cause(RESIZES, anything, "the size to resize to"),
    _cause(f"Concat ConcatV2 Pack {AXES} {SHUFFLES}", anything, "order of the axes, or which of them it works on"),
)
OTHER_RANK = "an axis that is kept or dropped: Squeeze, Reshape, or keepdims of a reduction"
UNKNOWN = "no known mistake looks like this"


def of_values(ops: Sequence[str], evidence: Evidence) -> str:
    """The likeliest mistake in these TensorFlow ops that makes the values differ like this."""
    with np.errstate(all="ignore"):  # values may be infinite or not numbers at all
        return next((cause.hint for cause in _of(CAUSES, ops) if cause.when(evidence)), UNKNOWN)


def of_shape(ops: Sequence[str], ours: Sequence[int], theirs: Sequence[int]) -> str:
    """The likeliest mistake in these TensorFlow ops that makes the shape another."""
    if len(ours) != len(theirs):
        return OTHER_RANK
    return next((cause.hint for cause in _of(SHAPE_CAUSES, ops)), UNKNOWN)


def _of(causes: Sequence[Cause], ops: Sequence[str]) -> list[Cause]:
    return [cause for cause in causes if not cause.ops or cause.ops & set(ops)]
