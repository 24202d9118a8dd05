"""Images: resizing, crops, blocks of pixels, patches, colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tf2torch.ops import expr
from tf2torch.ops.expr import DTYPES, NEGATIVE_INF, Expr, F, Var, helpers, torch
from tf2torch.ops.registry import CHANNELS, Refuse, Static, channels, lowers
from tf2torch.ops.windows import differing, multiple, padded, short, spatial


def _floats(images: Var) -> Expr:
    """Resizing gives float32, whatever comes in."""
    return images if images.dtype.startswith("float") else images.to(DTYPES["float32"])


def _target(images: Var, size: tuple[Any, Any]) -> dict[str, Any]:
    """The new size as a keyword of F.interpolate: a factor, where it is one of a size that is not known."""
    factors = [multiple(new, images, axis) for axis, new in enumerate(size, 2)]
    if all(factor is not None and factor[0] > 0 and factor[1] == 0 for factor in factors):
        return {"scale_factor": short([factor[0] for factor in factors if factor is not None])}
    return {"size": size}


def _keeps(images: Var, size: tuple[Any, Any]) -> bool:
    """Whether the new size is the old one: then every way of resizing changes nothing."""
    return _target(images, size) == {"scale_factor": 1} or tuple(size) == images.dims[2:]


def _refuse_both(align_corners: bool, half_pixel_centers: bool) -> None:
    if align_corners and half_pixel_centers:
        raise Refuse("align_corners and half_pixel_centers exclude each other")


@lowers("ResizeBilinear", layout=channels("images"))
def resize_bilinear(
    images: Var, size: Static[tuple[Any, Any]], *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Expr:
    """TensorFlow's old default puts pixel i at i * (old / new), which torch has no word for."""
    _refuse_both(align_corners, half_pixel_centers)
    x = _floats(images)
    if _keeps(images, size):
        return x
    if align_corners:
        return F.interpolate(x, size=size, mode="bilinear", align_corners=True)
    if half_pixel_centers:
        return F.interpolate(x, **_target(images, size), mode="bilinear")
    return helpers.resize_bilinear(x, size)


@lowers("ResizeNearestNeighbor", layout=channels("images"))
def resize_nearest(
    images: Var, size: Static[tuple[Any, Any]], *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Expr:
    """TensorFlow's old default is torch's "nearest", half_pixel_centers its "nearest-exact"."""
    _refuse_both(align_corners, half_pixel_centers)
    if _keeps(images, size):
        return images
    if align_corners:
        return helpers.resize_nearest_aligned(images, size)
    if not (images.dtype.startswith("float") or images.dtype == "uint8"):
        raise Refuse(f"torch resizes no images of {images.dtype}")
    target = _target(images, size)  # of a whole factor both ways are the same
    exact = {"mode": "nearest-exact"} if half_pixel_centers and "size" in target else {}
    return F.interpolate(images, **target, **exact)


@lowers("ResizeBicubic", layout=channels("images"))
def resize_bicubic(
    images: Var, size: Static[tuple[Any, Any]], *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Expr:
    """TensorFlow looks its weights up in a table of 1024 steps, which torch does not: hence no F.interpolate."""
    _refuse_both(align_corners, half_pixel_centers)
    given = differing(
        {"align_corners": False, "half_pixel": False}, align_corners=align_corners, half_pixel=half_pixel_centers
    )
    return helpers.resize_bicubic(_floats(images), size, **given)


@lowers("ResizeArea", layout=channels("images"))
def resize_area(images: Var, size: Static[tuple[Any, Any]], *, align_corners: bool = False) -> Expr:
    """Means over areas, of which a pixel may belong to two; torch's adaptive pooling counts it fully in both."""
    if align_corners:
        raise Refuse("align_corners=True: its areas go over the edge of the image")
    return helpers.resize_area(_floats(images), size)


@lowers("CropAndResize", layout=channels("image"))
def crop_and_resize(
    image: Var,
    boxes: Var,
    box_ind: Var,
    crop_size: Static[tuple[Any, Any]],
    *,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
) -> Expr:
    """Boxes are (top, left, bottom, right), from 0 at the first pixel to 1 at the last."""
    if method != "bilinear":
        raise Refuse(f"method={method}")
    fill = differing({"fill": 0.0}, fill=extrapolation_value)
    return helpers.crop_and_resize(_floats(image), boxes, box_ind, crop_size, **fill)


@lowers("SpaceToDepth", layout=CHANNELS)
def space_to_depth(input: Var, *, block_size: int, data_format: str = "NHWC") -> Expr:
    """Channels of the result are [row, column, channel], where pixel_unshuffle has [channel, row, column]."""
    _refuse_vectors(data_format)
    blocks = F.pixel_unshuffle(input, block_size)
    if input.dims[1] == 1:
        return blocks
    return blocks.unflatten(1, (-1, block_size**2)).transpose(1, 2).flatten(1, 2)


@lowers("DepthToSpace", layout=CHANNELS)
def depth_to_space(input: Var, *, block_size: int, data_format: str = "NHWC") -> Expr:
    """Channels are [row, column, channel], where pixel_shuffle has [channel, row, column]."""
    _refuse_vectors(data_format)
    if input.dims[1] == block_size**2:
        return F.pixel_shuffle(input, block_size)
    return F.pixel_shuffle(input.unflatten(1, (block_size**2, -1)).transpose(1, 2).flatten(1, 2), block_size)


def _refuse_vectors(data_format: str) -> None:
    if data_format == "NCHW_VECT_C":
        raise Refuse(f"data_format={data_format}")


def _patches(
    x: Var, kernel: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: str, value: Any = 0.0
) -> tuple[Expr, Expr | int]:
    """[N, channels * pixels, patches], and how many rows of patches there are."""
    stride, rate = spatial(strides, "NHWC", "strides"), spatial(rates, "NHWC", "rates")
    source, widths = padded(x, kernel, stride, rate, padding, (), value)
    if value != 0.0 and any(widths):  # unfold pads with zeros
        source, widths = F.pad(x, (widths[1], widths[1], widths[0], widths[0]), value=value), (0, 0)
    keywords = differing(
        {"padding": 0, "stride": 1, "dilation": 1}, padding=short(widths), stride=short(stride), dilation=short(rate)
    )
    reach = 1 if padding == "SAME" else (kernel[0] - 1) * rate[0] + 1
    rows = (expr.size(x, 2) - reach) // stride[0] + 1
    return F.unfold(source, short(kernel), **keywords), rows


@lowers("ExtractImagePatches", layout=channels("images"))
def extract_image_patches(
    images: Var, *, ksizes: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: str
) -> Expr:
    """Each patch as a vector of [row, column, channel], where unfold has [channel, row, column]."""
    kernel = spatial(ksizes, "NHWC", "ksizes")
    patches, rows = _patches(images, kernel, strides, rates, padding)
    pixels = kernel[0] * kernel[1]
    return patches.unflatten(1, (-1, pixels)).transpose(1, 2).flatten(1, 2).unflatten(2, (rows, -1))


@lowers("Dilation2D", layout=CHANNELS)
def dilation2d(input: Var, filter: Var, *, strides: Sequence[int], rates: Sequence[int], padding: str) -> Expr:
    """The largest sum of window and filter, for each channel by itself. Nothing to do with a dilated convolution."""
    height, width, _ = filter.dims
    if height is None or width is None:
        raise Refuse("a filter whose size is only known while the network runs")
    patches, rows = _patches(input, (height, width), strides, rates, padding, NEGATIVE_INF)
    sums = patches.unflatten(1, (-1, height * width)) + filter.permute(2, 0, 1).flatten(1)[..., None]
    return sums.amax(2).unflatten(2, (rows, -1))


@lowers("AdjustContrastv2")
def adjust_contrast(images: Var, contrast_factor: Var) -> Expr:
    """Each channel's distance from its mean over the image, times a factor."""
    mean = images.mean((-3, -2), keepdim=True)
    return mean + (images - mean) * contrast_factor


@lowers("RGBToHSV")
def rgb_to_hsv(images: Var) -> Expr:
    """Hue, saturation and value, each from 0 to 1, on the last axis."""
    return helpers.rgb_to_hsv(images)


@lowers("HSVToRGB")
def hsv_to_rgb(images: Var) -> Expr:
    """Red, green and blue, on the last axis."""
    return helpers.hsv_to_rgb(images)


@lowers("AdjustSaturation")
def adjust_saturation(images: Var, scale: Var) -> Expr:
    """Saturation times a factor, and no more than 1."""
    colours = helpers.rgb_to_hsv(images)
    hue, saturation, value = (colours[..., i : i + 1] for i in range(3))
    return helpers.hsv_to_rgb(torch.cat([hue, (saturation * scale).clamp(0, 1), value], -1))


@lowers("AdjustHue")
def adjust_hue(images: Var, delta: Var) -> Expr:
    """Hue turned by a part of the circle."""
    colours = helpers.rgb_to_hsv(images)
    return helpers.hsv_to_rgb(torch.cat([(colours[..., :1] + delta) % 1, colours[..., 1:]], -1))
