"""Seeded inputs for any graph: pictures where it takes pictures, films where films, random numbers elsewhere."""

from __future__ import annotations

from typing import Any

from tf2torch import details, images
from tf2torch.errors import UsageError
from tf2torch.export import constants
from tf2torch.export.definition import Tensor
from tf2torch.export.normalize import Array, Inference
from tf2torch.export.tensorflow import tf
from tf2torch.job import Job

_LENGTHS = {4: 224, 5: 32}  # of an axis that the graph leaves open, by the number of axes
_LENGTH = 16  # where there are others


def seeded_inputs(inference: Inference, job: Job, batch: int, more: int = 0) -> tuple[Array, ...]:
    """An array for each input, with `more` pixels in height and width than the graph or the recipe says.

    A batch that the graph fixes is kept. A tensor of an unknown number of axes is taken for images.
    """
    imported = constants.load(inference.definition)
    return tuple(_input(item, imported.get_tensor_by_name(item.name), job, batch, more) for item in inference.inputs)


def _check_said(item: Tensor, lengths: list[int | None], job: Job) -> None:
    """Raises UsageError if INPUT_SHAPE is not what the graph fixes."""
    if "INPUT_SHAPE" not in job.said or len(lengths) != len(job.recipe.shape):
        return
    if any(length not in (None, said) for length, said in zip(lengths, job.recipe.shape, strict=True)):
        fixed = " x ".join("any" if length is None else str(length) for length in lengths)
        raise UsageError(f"INPUT_SHAPE={job.said['INPUT_SHAPE']}: {item.name} is {fixed} in this graph.")


def _input(item: Tensor, tensor: Any, job: Job, batch: int, more: int) -> Array:
    lengths = [None, None, None, 3] if tensor.shape.rank is None else tensor.shape.as_list()
    _check_said(item, lengths[1:], job)
    unknown = _LENGTHS.get(len(lengths), _LENGTH)
    if len(lengths) == 4 and job.recipe.input_size:
        unknown = job.recipe.input_size
    said = job.recipe.input_shape or ()
    wanted = [batch, *(said if len(said) + 1 == len(lengths) else [unknown] * (len(lengths) - 1))]
    shape = [other if length is None else length for length, other in zip(lengths, wanted, strict=False)]
    if len(shape) == 4:
        first = 2 if shape[1] in (1, 3) and shape[3] not in (1, 3) else 1
        shape[first : first + 2] = [length + more for length in shape[first : first + 2]]
    seen = images.seeded_input(job.seed + 1, shape, job.recipe.preprocessing) if tensor.dtype == tf.float32 else None
    if seen is not None:
        return seen
    return details.seeded(item.name, shape, tensor.dtype.as_numpy_dtype.__name__, job.seed + 1)
