"""Compares converted models with what TensorFlow recorded, and writes the verdict."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tf2torch import bundle, files, images, say, stage
from tf2torch.bundle import FloatArray, Reference, relative_error
from tf2torch.errors import InputError, ParityError
from tf2torch.evaluate import device as devices
from tf2torch.evaluate import report
from tf2torch.job import Job
from tf2torch.progress import Progress

Loader = Callable[[], nn.Module]
IMAGE_BATCH = 10


def run(job: Job, loaders: Mapping[str, Loader], products: Path) -> None:
    """Writes report.json and report.md. `loaders` maps each way to load the model to a function that does it.

    A model takes images [N, 3, H, W] and gives [N, classes]. A failed comparison is a verdict, not an error.
    """
    reference = bundle.load(job.intermediate("export", "reference.safetensors"))
    device = devices.choose(job.device)
    devices.exact_arithmetic()
    loaded = {}
    for name, load in loaders.items():
        with say.step(f"comparing {name} on {devices.describe(device)}"):
            loaded[name] = compare(load().to(device).eval(), reference, job, device)
        gc.collect()  # two models of half a gigabyte need not be in memory together
    result = {
        "schema": report.SCHEMA,
        "model": job.name,
        "engine": job.engine,
        "weights": stage.weights(job),
        "verdict": "PASS" if all(entry["passed"] for entry in loaded.values()) else "FAIL",
        "tensorflow": reference.tensorflow,
        "torch": torch.__version__,
        "device": devices.describe(device),
        "published_accuracy": job.recipe.accuracy
        and {"top1": job.recipe.accuracy.top1, "top5": job.recipe.accuracy.top5},
        "loaded": loaded,
    }
    files.write_json(products / "report.json", result)
    files.write_text(products / "report.md", report.markdown(result))


def compare(model: nn.Module, reference: Reference, job: Job, device: torch.device) -> dict[str, Any]:
    """One loaded model against the reference: errors relative to its scale, and top-1 agreement."""

    def compute(batch: FloatArray) -> FloatArray:
        tensor = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))).to(device)
        try:
            with torch.inference_mode():
                output = model(tensor)
        except torch.OutOfMemoryError as error:  # of the GPU
            raise MemoryError(str(error)) from error
        if not isinstance(output, torch.Tensor):
            raise ParityError(f"The model gives a {type(output).__name__}, not a tensor of logits.")
        values: FloatArray = output.cpu().numpy()
        return values

    pairs = {
        "batch 1": (compute(reference.inputs[:1]), reference.single),
        "batch 10": (compute(reference.inputs), reference.outputs),
    }
    if job.images:
        _check_same_images(reference, job)
        pairs["images"] = (_on_images(compute, job), reference.image_outputs)
    comparisons = {
        name: {
            **_comparison(ours, theirs, reference.tolerance(name)),
            "tolerance": reference.tolerance(name),
            "float32_error": reference.float32_errors[name],
        }
        for name, (ours, theirs) in pairs.items()
    }
    return {
        "passed": all(row["passed"] for row in comparisons.values()),
        "parameters": sum(p.numel() for p in model.parameters()),
        "comparisons": comparisons,
        "accuracy": _accuracy(*pairs["images"], reference, job) if "images" in pairs else None,
    }


def _check_same_images(reference: Reference, job: Job) -> None:
    """TensorFlow must have seen the images that this side is about to run on."""
    assert job.images is not None
    ours = tuple((item.path.relative_to(job.images).as_posix(), item.label) for item in images.labelled(job.images))
    if ours != tuple(zip(reference.image_names, reference.labels, strict=True)):
        raise InputError(
            f"TensorFlow has not been run on the images of {job.images}, so there is nothing to compare with. "
            f"`make convert MODEL={job.name} IMAGES=...` with the same folder does both sides."
        )


def _on_images(compute: Callable[[FloatArray], FloatArray], job: Job) -> FloatArray:
    assert job.images is not None  # the reference has image outputs only if there are images
    rows = []
    with Progress("PyTorch on images", len(images.labelled(job.images)), unit="images") as progress:
        for chunk, batch in images.batches(job.images, job.recipe, IMAGE_BATCH):
            rows.append(compute(batch))
            progress.update(len(chunk))
            if rows[-1].shape[:1] != (len(chunk),):
                return rows[-1]  # not a row for each image: of the wrong shape, whatever else there is
    return np.concatenate(rows)


def _comparison(ours: FloatArray, theirs: FloatArray, tolerance: float) -> dict[str, Any]:
    """Both [n, classes]. A wrong shape fails by itself: broadcasting would hide it."""
    if ours.shape != theirs.shape:
        return {"passed": False, "error": None, "shape": list(ours.shape), "wanted_shape": list(theirs.shape)}
    error = relative_error(ours, theirs)
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    return {
        "passed": bool(np.isfinite(error)) and error <= tolerance and same == len(theirs),
        "error": error if np.isfinite(error) else None,
        "same_top1": same,
        "count": len(theirs),
    }


def _accuracy(ours: FloatArray, theirs: FloatArray, reference: Reference, job: Job) -> dict[str, Any] | None:
    """How many images each side names rightly, in top-1 and top-5; None if the model gives something else."""
    if ours.size != theirs.size:
        return None
    wanted = np.array(reference.labels)[:, None] - job.recipe.label_offset
    ours = ours.reshape(theirs.shape)
    best = {"tensorflow": np.argsort(-theirs, 1, kind="stable"), "pytorch": np.argsort(-ours, 1, kind="stable")}
    hits = {
        side: {f"top{k}": int((order[:, :k] == wanted).any(1).sum()) for k in (1, 5)} for side, order in best.items()
    }
    return {"images": len(wanted), **hits}
