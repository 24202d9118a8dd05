"""How a photograph becomes an input: functions that a generated file carries, the same as in `tf2torch.images`.

They are printed as they stand here, with numbers for SIZE and SHORTER_SIDE.
"""

from __future__ import annotations

import inspect

import torch
from torch import Tensor

from tf2torch import images
from tf2torch.ir.types import Graph
from tf2torch.recipe import Recipe

SIZE = 224
SHORTER_SIDE = images.SHORTER_SIDE


def resize(image: Tensor, axis: int, size: int) -> Tensor:
    """Bilinear along one axis as in TensorFlow 1: the corner stays where it is, and nothing is smoothed."""
    position = torch.arange(size, dtype=torch.float32, device=image.device) * (image.shape[axis] / size)
    low = position.long()
    first, second = (image.index_select(axis, at.clamp(max=image.shape[axis] - 1)) for at in (low, low + 1))
    return first + (second - first) * (position - low).reshape(-1, *[1] * (2 - axis))


def preprocess_inception(image: Tensor) -> Tensor:
    """An image, uint8 [3, H, W] RGB of any size, as the network takes it: the middle 7/8, resized, in -1..1."""
    image = image / 255
    if image.shape[1:] != (SIZE, SIZE):
        for axis in (1, 2):
            border = image.shape[axis] // 16
            image = resize(image.narrow(axis, border, image.shape[axis] - 2 * border), axis, SIZE)
    return image * 2 - 1


def preprocess_vgg(image: Tensor) -> Tensor:
    """An image, uint8 [3, H, W] RGB of any size, as the network takes it: resized, its middle, less the mean colour."""
    image = image / 255
    if image.shape[1:] != (SIZE, SIZE):
        scale = SHORTER_SIDE / min(image.shape[1:])
        for axis in (1, 2):
            wanted = round(image.shape[axis] * scale)
            image = resize(image, axis, wanted).narrow(axis, (wanted - SIZE) // 2, SIZE)
    return image * 255 - torch.tensor([123.68, 116.78, 103.94], device=image.device)[:, None, None]


def source(recipe: Recipe, graph: Graph) -> str:
    """What the file of a classifier of images carries; nothing where nobody has said how it was trained."""
    if not recipe.says_preprocessing or not _classifies_images(graph):
        return ""
    function = {"inception": preprocess_inception, "vgg": preprocess_vgg}[recipe.preprocessing]
    text = "\n\n".join(inspect.getsource(one) for one in (resize, function))
    numbers = {"SHORTER_SIDE": max(SHORTER_SIDE, recipe.input_size), "SIZE": recipe.input_size}
    for name, number in numbers.items():
        text = text.replace(name, str(number))
    return text.replace(function.__name__, "preprocess").rstrip()


def _classifies_images(graph: Graph) -> bool:
    """Whether it takes RGB images [N, 3, H, W] alone, and gives one row of numbers for each."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return False
    given, result = graph.inputs[0].type.shape, graph.outputs[0].type.shape
    return given is not None and len(given) == 4 and given[1] == 3 and result is not None and len(result) == 2
