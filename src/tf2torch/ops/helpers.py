"""Functions that PyTorch lacks. Their source is printed into the generated file where it needs them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # its usual name, which generated files have too
from torch import Tensor


def pad_same(x: Tensor, kernel: Any, stride: Any, dilation: Any = 1, value: float = 0.0) -> Tensor:
    """TensorFlow's SAME padding for the size at hand; an odd pixel goes to the right and to the bottom."""
    sizes = (n if isinstance(n, tuple) else (n,) * (x.dim() - 2) for n in (kernel, stride, dilation))
    gaps = [max((n - 1) // s * s + (k - 1) * d + 1 - n, 0) for n, k, s, d in zip(x.shape[2:], *sizes, strict=True)]
    return F.pad(x, [side for n in reversed(gaps) for side in (n // 2, n - n // 2)], value=value)


def avg_pool_same(x: Tensor, kernel: int | tuple[int, ...], stride: int | tuple[int, ...]) -> Tensor:
    """TensorFlow's SAME average pooling for the size at hand: the mean of the real elements of each window."""
    pool = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}[x.dim()]
    real = torch.ones_like(x[:1, :1])
    return pool(pad_same(x, kernel, stride), kernel, stride) / pool(pad_same(real, kernel, stride), kernel, stride)


def reverse_sequence(x: Tensor, lengths: Tensor, axis: int, batch_axis: int) -> Tensor:
    """The first lengths[i] elements of sequence i along the axis the other way round, the others as they are."""
    places = torch.arange(x.shape[axis], device=x.device)
    ends = lengths.long().unsqueeze(1)
    order = torch.where(places < ends, ends - 1 - places, places)
    shape = [x.shape[i] if i in (axis, batch_axis) else 1 for i in range(x.dim())]
    return torch.take_along_dim(x, (order if batch_axis < axis else order.t()).reshape(shape), axis)


def crop_same(x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Cuts off what SAME padding had added, an odd pixel at the end; zeros where x is too short."""
    widths: list[int] = []
    for size, wanted in zip(reversed(x.shape[2:]), reversed(sizes), strict=True):
        before = max(size - wanted, 0) // 2
        widths += [-before, wanted - size + before]
    return F.pad(x, widths)


def resize_bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    """TensorFlow's old bilinear resizing: pixel i of the result lies at i * (old / new)."""
    for axis, new in zip((2, 3), size, strict=True):
        last = x.shape[axis] - 1
        position = torch.arange(new, dtype=torch.float32, device=x.device) * (x.shape[axis] / new)
        index = position.long()
        weight = (position - index).to(x.dtype).view(-1, *(1,) * (3 - axis))
        low, high = x.index_select(axis, index), x.index_select(axis, (index + 1).clamp(max=last))
        x = low + (high - low) * weight
    return x


def resize_nearest_aligned(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest neighbours where the corners of both images are the centers of pixels."""
    for axis, new in zip((2, 3), size, strict=True):
        scale = (x.shape[axis] - 1) / (new - 1) if new > 1 else 0.0
        position = torch.arange(new, dtype=torch.float32, device=x.device) * scale
        x = x.index_select(axis, (position + 0.5).long())
    return x


def resize_bicubic(x: Tensor, size: tuple[int, int], align_corners: bool = False, half_pixel: bool = False) -> Tensor:
    """TensorFlow's bicubic resizing, whose weights are those of a table of 1024 steps."""
    a = -0.5 if half_pixel else -0.75
    for axis, new in zip((2, 3), size, strict=True):
        old, offset = x.shape[axis], 0.5 if half_pixel else 0.0
        scale = (old - 1) / (new - 1) if align_corners and new > 1 else old / new
        position = (torch.arange(new, dtype=torch.float32, device=x.device) + offset) * scale - offset
        position = position.floor() + ((position - position.floor()) * 1024).round() / 1024
        pixels = position[:, None].floor() + torch.arange(-1, 3, device=x.device)
        distance = (position[:, None] - pixels).abs()
        near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
        weights = torch.where(distance <= 1, near, (((distance - 5) * distance + 8) * distance - 4) * a)
        if half_pixel:  # pixels beyond the edge do not count
            weights = weights * ((pixels >= 0) & (pixels < old))
            weights = weights / weights.sum(1, keepdim=True)
        taps = x.movedim(axis, -1)[..., pixels.long().clamp(0, old - 1)]
        x = (taps * weights.to(x.dtype)).sum(-1).movedim(-1, axis)
    return x


def resize_area(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The mean over the area that each pixel of the result covers; pixels on its edge count in part."""
    for axis, new in zip((2, 3), size, strict=True):
        scale = x.shape[axis] / new
        start = torch.arange(new, dtype=x.dtype, device=x.device)[:, None] * scale
        pixel = torch.arange(x.shape[axis], dtype=x.dtype, device=x.device)
        weights = (torch.minimum(start + scale, pixel + 1) - torch.maximum(start, pixel)).clamp(min=0) / scale
        x = (x.movedim(axis, -1) @ weights.T).movedim(-1, axis)
    return x


def crop_and_resize(x: Tensor, boxes: Tensor, indices: Tensor, size: tuple[int, int], fill: float = 0.0) -> Tensor:
    """Bilinear crops of images x[indices]; a box is (top, left, bottom, right) from 0 to 1; fill lies outside."""
    x = x[indices.long()]
    top, left, bottom, right = boxes.to(x.dtype)[..., None].unbind(1)
    for axis, start, stop, new in ((2, top, bottom, size[0]), (3, left, right, size[1])):
        last = x.shape[axis] - 1
        steps = torch.arange(new, dtype=x.dtype, device=x.device) / (new - 1) if new > 1 else x.new_full((1,), 0.5)
        position = (start + (stop - start) * steps) * last
        position = position.view(len(x), 1, *((-1, 1) if axis == 2 else (1, -1)))
        index = position.floor().long().clamp(0, last)
        low = torch.take_along_dim(x, index, axis)
        high = torch.take_along_dim(x, (index + 1).clamp(max=last), axis)
        x = torch.where((position >= 0) & (position <= last), low + (high - low) * (position - index), fill)
    return x


def rgb_to_hsv(x: Tensor) -> Tensor:
    """Hue, saturation and value of red, green and blue, each from 0 to 1, on the last axis."""
    red, green, blue = x.unbind(-1)
    value = x.amax(-1)
    span = value - x.amin(-1)
    divisor = torch.where(span > 0, span, 1.0) * 6
    hue = torch.where(value == green, (blue - red) / divisor + 1 / 3, (red - green) / divisor + 2 / 3)
    hue = torch.where(value == red, (green - blue) / divisor, hue)
    hue = torch.where(span > 0, hue % 1, 0.0)
    saturation = torch.where(value > 0, span / torch.where(value > 0, value, 1.0), 0.0)
    return torch.stack([hue, saturation, value], -1)


def hsv_to_rgb(x: Tensor) -> Tensor:
    """Red, green and blue of hue, saturation and value, each from 0 to 1, on the last axis."""
    hue, saturation, value = x[..., None].unbind(-2)
    sixth = hue * 6
    ramps = [(sixth - 3).abs() - 1, 2 - (sixth - 2).abs(), 2 - (sixth - 4).abs()]
    return (1 - saturation + saturation * torch.cat(ramps, -1).clamp(0, 1)) * value


def arange_like(x: Tensor, *bounds: float, dtype: torch.dtype) -> Tensor:
    """torch.arange where x is."""
    return torch.arange(*bounds, dtype=dtype, device=x.device)


def one_hot(indices: Tensor, depth: int) -> Tensor:
    """True at the index, along a new last axis; nowhere if the index is out of range."""
    return indices.unsqueeze(-1) == torch.arange(depth, device=indices.device)


def unique(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each number of a vector once, in the order in which they first occur, and the place of each among them."""
    numbers, inverse = torch.unique(x, return_inverse=True)
    places = torch.arange(x.numel(), device=x.device)
    first = torch.full_like(numbers, x.numel(), dtype=torch.int64).scatter_reduce(0, inverse, places, "amin")
    order = first.argsort()
    return numbers[order], order.argsort()[inverse]


def max_pool_with_argmax(
    x: Tensor, kernel: int | tuple[int, int], stride: int | tuple[int, int], same: bool = False
) -> tuple[Tensor, Tensor]:
    """The largest of each window, and where it stands in an image [height, width, channels] made flat."""
    channels, height, width = x.shape[1:]
    whole = pad_same(x, kernel, stride, value=-torch.inf) if same else x
    largest, place = F.max_pool2d(whole, kernel, stride, return_indices=True)
    row = place // whole.shape[3] - (whole.shape[2] - height) // 2
    column = place % whole.shape[3] - (whole.shape[3] - width) // 2
    return largest, (row * width + column) * channels + torch.arange(channels, device=x.device).view(-1, 1, 1)


def fake_quantize(x: Tensor, low: Tensor, high: Tensor, first: int = 0, last: int = 255) -> Tensor:
    """Rounds to one of the steps from low to high, moved so that 0 is one; per channel of the last axis if they are."""
    scale = (high - low) / (last - first)
    zero = (first - low / scale + 0.5).floor().clamp(first, last).to(torch.int32)
    if low.dim() == 0:
        return torch.fake_quantize_per_tensor_affine(x, scale, zero, first, last)
    return torch.fake_quantize_per_channel_affine(x, scale, zero, x.dim() - 1, first, last)


def segment_reduce(x: Tensor, segments: Tensor, count: int | None, reduce: str, empty: float = 0) -> Tensor:
    """The rows of each segment as one: their sum, mean, prod, amax or amin. Rows of negative segments are dropped."""
    rows, segments = x.flatten(0, segments.dim() - 1), segments.flatten().long()
    rows, segments = rows[segments >= 0], segments[segments >= 0]
    if count is None:
        count = int(segments.max()) + 1 if len(segments) else 0
    result = rows.new_full((count, *rows.shape[1:]), empty)
    index = segments.reshape(-1, *[1] * (rows.dim() - 1)).expand_as(rows)
    return result.scatter_reduce(0, index, rows, reduce, include_self=False)
