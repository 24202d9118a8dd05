"""A few of the images with what both sides think they show."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from tf2torch import images
from tf2torch.bundle import FloatArray, Reference
from tf2torch.job import Job

SHOWN = 12
BEST = 5
SIZE = 144  # pixels of a thumbnail, which is square


def collect(compute: Callable[[FloatArray], FloatArray], reference: Reference, job: Job) -> list[dict[str, Any]]:
    """The first images of the folder. None where there are no images, or where the outputs have another shape.

    compute: the network, on TensorFlow's [n, H, W, 3]; it gives [n, classes].
    """
    if not job.images:
        return []
    recipe = replace(job.recipe, input_size=reference.inputs.shape[1], classes=reference.outputs.shape[1])
    chunk, batch = next(images.batches(job.images, recipe, SHOWN))
    theirs, ours = reference.image_outputs[: len(chunk)], compute(batch)
    if theirs.shape != ours.shape:
        return []
    return [
        {
            "name": item.path.relative_to(job.images).as_posix(),
            "label": item.label - recipe.label_offset,
            "thumbnail": thumbnail(item.path),
            "tensorflow": best(of_tensorflow),
            "pytorch": best(of_pytorch),
        }
        for item, of_tensorflow, of_pytorch in zip(chunk, theirs, ours, strict=True)
    ]


def best(outputs: FloatArray) -> list[tuple[int, float | None]]:
    """Of [classes], the classes that are largest with their probabilities; None where they are not finite."""
    chances = outputs.astype(np.float64)
    if not (chances.min() >= 0 and abs(chances.sum() - 1) < 1e-3):  # logits, or no numbers
        with np.errstate(invalid="ignore", over="ignore"):
            chances = np.exp(chances - chances.max())
            chances /= chances.sum()
    order = np.argsort(-outputs, kind="stable")[:BEST]
    return [(int(index), float(chances[index]) if np.isfinite(chances[index]) else None) for index in order]


def thumbnail(path: Path) -> str:
    """A small JPEG of the middle of an image, as a data URI. No metadata of the photograph comes along."""
    with Image.open(path) as image:
        small = ImageOps.fit(image.convert("RGB"), (SIZE, SIZE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
