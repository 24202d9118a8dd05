"""Images as the networks want them: read, cropped, resized and scaled, with numpy alone, so that both sides agree."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image

from tf2torch.errors import InputError
from tf2torch.recipe import Preprocessing, Recipe

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

CENTRAL_CROP = 0.875  # of the inception style
SHORTER_SIDE = 256  # of the vgg style before the crop
VGG_MEANS = np.array([123.68, 116.78, 103.94], np.float32)  # RGB
_STEP = 4  # pixels that the camera of a seeded film moves from frame to frame
LABELS = "labels.csv"
SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")  # of images, where no table names them


@dataclass(frozen=True, slots=True)
class Labelled:
    path: Path
    label: int  # in the numbering with the background at 0


def labelled(folder: Path) -> list[Labelled]:
    """The images of a folder with their labels: those that labels.csv names, or those in a folder for each class.

    labels.csv has a header `filename,label`, then a line for each image; its order is kept. Folders whose names are all
    numbers are called after the label. Others stand for the labels 1, 2, ... in the order of their names, as those of
    the ImageNet classes (n01440764, ...) do, since 0 is the background.
    """
    table = folder / LABELS
    if not table.is_file():
        return _by_folder(folder)
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            found = [
                _labelled(folder, row.get("filename"), row.get("label"), f"{table} line {rows.line_num}")
                for row in rows
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table} is not UTF-8 text in lines of filename,label: {error}.") from error
    if not found:
        raise InputError(f"{table} names no images.")
    return found


def _by_folder(folder: Path) -> list[Labelled]:
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    are_labels = all(path.name.isdecimal() for path in classes)
    found = [
        Labelled(path, int(each.name) if are_labels else number)
        for number, each in enumerate(classes, 1)
        for path in sorted(each.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    if not found:
        raise InputError(
            f"There is no {LABELS} in {folder}, which has a header filename,label and a line for each image. "
            "Nor are there images in a folder for each class."
        )
    return found


def _labelled(folder: Path, name: str | None, label: str | None, where: str) -> Labelled:
    if not name or not label or not label.strip().isdecimal():
        raise InputError(f"{where} is not filename,label with a number as the label.")
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts or not (folder / path).is_file():
        raise InputError(f"{where} names {name}, which is not in that folder.")
    return Labelled(folder / path, int(label))


def batches(folder: Path, recipe: Recipe, size: int) -> Iterator[tuple[Sequence[Labelled], FloatArray]]:
    """The labelled images of a folder, `size` at a time, with the network's input [n, H, W, 3] float32."""
    items = labelled(folder)
    for start in range(0, len(items), size):
        chunk = items[start : start + size]
        yield chunk, batch(chunk, recipe)


def batch(items: Sequence[Labelled], recipe: Recipe) -> FloatArray:
    """The network's input [n, H, W, 3] float32 of these images."""
    pixels = np.stack([read(item.path, recipe) for item in items])
    return network_input(pixels, recipe.preprocessing)


def read(path: Path, recipe: Recipe) -> FloatArray:
    """An image file as [H, W, 3] float32 in 0..1, cropped and resized in the recipe's style.

    An image that already has the network's input size is taken as it is.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # all of them Pillow's refusals
        raise InputError(f"Cannot read the image {path}: {error}.") from error
    size = recipe.input_size
    if pixels.shape[:2] == (size, size):
        return pixels
    if recipe.preprocessing != "vgg":
        borders = [int((side - side * CENTRAL_CROP) / 2) for side in pixels.shape[:2]]  # as in tf.image.central_crop
        kept = [side - 2 * border for side, border in zip(pixels.shape, borders, strict=False)]
        return resize(central_crop(pixels, *kept), size, size)
    height, width = pixels.shape[:2]
    scale = max(SHORTER_SIDE, size) / min(height, width)
    return central_crop(resize(pixels, round(height * scale), round(width * scale)), size, size)


def central_crop(pixels: FloatArray, height: int, width: int) -> FloatArray:
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def resize(pixels: FloatArray, height: int, width: int) -> FloatArray:
    """Bilinear, [H, W, C] -> [height, width, C], corners as in tf.compat.v1.image.resize_bilinear by default."""
    rows, row_weights = _taps(pixels.shape[0], height)
    columns, column_weights = _taps(pixels.shape[1], width)
    top, bottom = pixels[rows[0]], pixels[rows[1]]
    mixed = top + (bottom - top) * row_weights[:, None, None]
    left, right = mixed[:, columns[0]], mixed[:, columns[1]]
    result: FloatArray = left + (right - left) * column_weights[None, :, None]
    return result


def network_input(pixels: FloatArray, style: Preprocessing) -> FloatArray:
    """[..., 3] in 0..1 to the range that the network was trained on: -1..1, or 0..255 less the mean colour.

    Where nobody knows the range, -1..1 is as good as any.
    """
    if style != "vgg":
        return pixels * np.float32(2) - np.float32(1)
    return pixels * np.float32(255) - VGG_MEANS


def seeded(seed: int, count: int, size: int) -> FloatArray:
    """Images [count, size, size, 3] float32 in 0..1, the same on any machine.

    Like photographs they hold patches of every size, the larger the stronger, and differ in brightness and contrast.
    Unlike in photographs nothing is over-exposed: what is brighter than white gets darker again. In a patch of one
    colour neighbours tie, and where max pooling sends the gradient then is a matter of rounding, even in float64.
    """
    random = np.random.default_rng(seed)
    images = np.zeros((count, size, size, 3), np.float32)
    for image in images:
        patches = 2
        while patches < size:
            image += resize(random.standard_normal((patches, patches, 3), np.float32), size, size) * (2 / patches)
            patches *= 2
        image *= random.uniform(0.15, 0.5)
        image += random.uniform(0.2, 0.8)
    return np.abs((images + 1) % 2 - 1)


def seeded_input(seed: int, shape: Sequence[int], style: Preprocessing) -> FloatArray | None:
    """Inputs for a network that takes images [N, H, W, 3] or films [N, frames, H, W, 3]; None if it takes neither.

    Over the frames of a film the camera moves slowly, so that neighbouring frames are alike.
    """
    if len(shape) not in (4, 5) or shape[-1] != 3:
        return None
    count, *frames, height, width, _ = shape
    moves = _STEP * (frames[0] - 1) if frames else 0
    pictures = seeded(seed, count, max(height, width) + moves)
    starts = range(0, moves + 1, _STEP)
    taken = [pictures[:, start : start + height, start : start + width] for start in starts]
    return network_input(np.stack(taken, 1) if frames else taken[0], style)


def _taps(length: int, wanted: int) -> tuple[tuple[Any, Any], FloatArray]:
    """For each output position the two input positions that it mixes, and the weight of the second."""
    position = np.arange(wanted, dtype=np.float32) * np.float32(length / wanted)
    low = np.floor(position).astype(np.int64)
    return (low, np.minimum(low + 1, length - 1)), position - low.astype(np.float32)
