"""What TensorFlow computes, recorded for the other side: on seeded inputs and on the user's images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tf2torch import images, say
from tf2torch.bundle import Reference, relative_error
from tf2torch.errors import InputError
from tf2torch.export import sources
from tf2torch.export.checkpoint import OUTPUT, Loaded, assign
from tf2torch.export.running import Running
from tf2torch.export.tensorflow import session, tf
from tf2torch.job import Job
from tf2torch.progress import Progress

BATCH = 10
FLOAT64_BATCH = 4  # inputs of each kind that are computed in float64 too: it takes several times as long


def record(loaded: Loaded, job: Job, exact: Any = None) -> Reference:
    """`exact`: the outputs of the first inputs in float64, if they are known; else they are computed."""
    recipe = job.recipe
    inputs = images.network_input(images.seeded(job.seed + 1, BATCH, recipe.input_size), recipe.preprocessing)
    rows: list[images.FloatArray] = []
    names: list[str] = []
    labels: list[int] = []
    with session(loaded.graph) as running:
        assign(loaded, running)

        def compute(batch: images.FloatArray) -> images.FloatArray:
            result: images.FloatArray = running.run(f"{OUTPUT}:0", {f"{loaded.input_name}:0": batch})
            return result

        single, outputs = compute(inputs[:1]), compute(inputs)
        if job.images:
            with Progress("TensorFlow on images", len(images.labelled(job.images)), unit="images") as progress:
                for chunk, batch in images.batches(job.images, recipe, BATCH):
                    rows.append(compute(batch))
                    names.extend(item.path.relative_to(job.images).as_posix() for item in chunk)
                    labels.extend(item.label for item in chunk)
                    progress.update(len(chunk))
    image_outputs = np.concatenate(rows) if rows else np.zeros((0, recipe.classes), np.float32)
    by_comparison = {"batch 1": single, "batch 10": outputs, "images": image_outputs}
    return Reference(
        inputs=inputs,
        outputs=outputs,
        single=single,
        image_outputs=image_outputs,
        image_names=tuple(names),
        labels=tuple(labels),
        float32_errors=_float32_errors(loaded, job, inputs, by_comparison, exact),
        tensorflow=tf.VERSION,
    )


def _float32_errors(
    loaded: Loaded, job: Job, inputs: images.FloatArray, outputs: dict[str, images.FloatArray], exact: Any
) -> dict[str, float]:
    """For each comparison what TensorFlow's own float32 is from its float64, on some of the same inputs."""
    with say.step("the same in float64"):
        exact = in_float64(loaded, inputs[:FLOAT64_BATCH]) if exact is None else exact
        errors = {
            "batch 1": relative_error(outputs["batch 1"], exact[:1]),
            "batch 10": relative_error(outputs["batch 10"][: len(exact)], exact),
        }
        if job.images:
            _, first = next(images.batches(job.images, job.recipe, FLOAT64_BATCH))
            errors["images"] = relative_error(outputs["images"][: len(first)], in_float64(loaded, first))
    if not all(map(math.isfinite, errors.values())):
        raise InputError(
            f"With these weights TensorFlow computes no finite numbers for {job.name}, so there is nothing to compare "
            f"with. The checkpoint is damaged, or of another network: delete it, then `make fetch MODEL={job.name}`."
        )
    return errors


def in_float64(loaded: Loaded, batch: images.FloatArray) -> Any:
    """What the network computes in float64 for a batch [n, H, W, 3] -> [n, classes]."""
    return Running(sources.inference(loaded), [batch], wide=True).outputs()[0]
