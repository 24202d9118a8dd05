"""What TensorFlow computes, recorded for the other side: on seeded inputs and on the user's images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tf2torch import images, say
from tf2torch.attacks import FEW, IMAGES, Recorded
from tf2torch.bundle import BEST, WHOLE, Reference, best, relative_error
from tf2torch.errors import InputError
from tf2torch.export import attacks, constants
from tf2torch.export.inputs import seeded_inputs
from tf2torch.export.normalize import Inference
from tf2torch.export.running import Running
from tf2torch.export.tensorflow import tf
from tf2torch.job import Job
from tf2torch.progress import Progress
from tf2torch.recipe import Recipe

BATCH = 10
FLOAT64_BATCH = 4  # inputs of each kind that are computed in float64 too: it takes several times as long
Compute = Callable[[images.FloatArray], images.FloatArray]


def is_classifier(inference: Inference, recipe: Recipe) -> bool:
    """Whether the network takes RGB images alone, and gives one row of two or more numbers for each.

    The recipe of a network of ours knows better what the row is: embeddings are no classes.
    """
    if recipe.network and not recipe.classes:
        return False
    if len(inference.inputs) != 1 or len(inference.outputs) != 1:
        return False
    graph = constants.load(inference.definition)
    given, result = (graph.get_tensor_by_name(item.name) for item in (*inference.inputs, *inference.outputs))
    return bool(
        given.dtype == result.dtype == tf.float32
        and given.shape.rank == 4
        and given.shape.as_list()[3] == 3
        and result.shape.rank == 2
        and result.shape.as_list()[1] != 1
    )


def record(inference: Inference, job: Job, exact: Any = None, batch: int = BATCH) -> Reference:
    """Of a classifier. `exact`: the outputs of the first inputs in float64, if they are known; else computed."""
    (inputs,) = seeded_inputs(inference, job, batch)
    compute = computer(inference)
    outputs = compute(inputs)
    single = compute(inputs[:1]) if len(inputs) > 1 and _takes_any_batch(inference) else outputs[:1]
    seen = _on_images(compute, job, inputs.shape[1], len(inputs), outputs.shape[1])
    by_comparison = {"batch 1": single, "batch 10": outputs, "images": seen["image_outputs"]}
    with say.step("attacking it"):
        attacked = _attacked(inference, job, inputs)
    return Reference(
        inputs=inputs,
        outputs=outputs,
        single=single,
        float32_errors=_float32_errors(inference, job, inputs, by_comparison, exact),
        tensorflow=tf.VERSION,
        attacks=attacked,
        **seen,
    )


def _on_images(compute: Compute, job: Job, size: int, batch_size: int, classes: int) -> dict[str, Any]:
    """What the reference holds of the images, read and forgotten batch by batch."""
    whole = [np.zeros((0, classes), np.float32)]
    later, later_outputs = ([np.zeros((0, min(BEST, classes)), kind)] for kind in (np.int64, np.float32))
    items = images.labelled(job.images) if job.images else []
    recipe = replace(job.recipe, input_size=size)
    with Progress("TensorFlow on images", len(items), unit="images") as progress:
        for _, batch in images.batches(job.images, recipe, batch_size) if job.images else ():
            outputs, kept = compute(batch), max(WHOLE - progress.done, 0)
            whole.append(outputs[:kept])
            later.append(best(outputs[kept:]))
            later_outputs.append(np.take_along_axis(outputs[kept:], later[-1], 1))
            progress.update(len(batch))
    return {
        "image_outputs": np.concatenate(whole),
        "image_names": tuple(item.path.relative_to(job.images).as_posix() for item in items if job.images),
        "labels": tuple(item.label for item in items),
        "later_classes": np.concatenate(later),
        "later_outputs": np.concatenate(later_outputs),
    }


def _attacked(inference: Inference, job: Job, inputs: images.FloatArray) -> Recorded | None:
    """Attacks on the first of the user's images, or of the seeded inputs; on a whole batch where the graph fixes it."""
    if not _takes_any_batch(inference):
        return attacks.record(inference, inputs, job, len(inputs))
    first = inputs[:IMAGES]
    if job.images:
        recipe = replace(job.recipe, input_size=inputs.shape[1])
        _, first = next(images.batches(job.images, recipe, IMAGES))
    return attacks.record(inference, first, job, min(FEW, len(first)))


def computer(inference: Inference) -> Compute:
    """The network as a function of a batch [n, H, W, 3] -> [n, classes]."""
    by_shape: dict[tuple[int, ...], Running] = {}

    def compute(batch: images.FloatArray) -> images.FloatArray:
        if batch.shape not in by_shape:
            by_shape[batch.shape] = Running(inference, [batch])
        return by_shape[batch.shape].outputs([batch])[0]

    return compute


def in_float64(inference: Inference, batch: images.FloatArray) -> Any:
    """What the network computes in float64 for a batch [n, H, W, 3] -> [n, classes]."""
    return Running(inference, [batch], wide=True).outputs()[0]


def _takes_any_batch(inference: Inference) -> bool:
    axes = inference.definition.producer(inference.inputs[0]).attr["shape"].shape.dim
    return not axes or axes[0].size < 0


def _float32_errors(
    inference: Inference, job: Job, inputs: images.FloatArray, outputs: dict[str, images.FloatArray], exact: Any
) -> dict[str, float]:
    """For each comparison what TensorFlow's own float32 is from its float64, on some of the same inputs."""
    with say.step("the same in float64"):
        batch = inputs[:FLOAT64_BATCH] if _takes_any_batch(inference) else inputs
        exact = in_float64(inference, batch) if exact is None else exact
        errors = {
            "batch 1": relative_error(outputs["batch 1"], exact[:1]),
            "batch 10": relative_error(outputs["batch 10"][: len(exact)], exact),
        }
        if job.images:
            recipe = replace(job.recipe, input_size=inputs.shape[1])
            _, first = next(images.batches(job.images, recipe, len(batch)))
            errors["images"] = relative_error(outputs["images"][: len(first)], in_float64(inference, first))
    if not all(map(math.isfinite, errors.values())):
        raise InputError(
            f"With these weights TensorFlow computes no finite numbers for {job.name}, so there is nothing to compare "
            f"with. The checkpoint is damaged, or of another network: delete it, then `make fetch MODEL={job.name}`."
        )
    return errors
