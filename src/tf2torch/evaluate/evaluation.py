"""Compares converted models with what TensorFlow recorded, and writes the verdict."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from tf2torch import bundle, files, images, say, stage
from tf2torch.bundle import FloatArray, Reference, relative_error
from tf2torch.details import Details
from tf2torch.errors import InputError
from tf2torch.evaluate import attacks, latency, report, sharing, tf32
from tf2torch.evaluate import device as devices
from tf2torch.evaluate import proof as proving
from tf2torch.evaluate.accuracy import Tally, wrong_shape
from tf2torch.evaluate.network import Array, Network, first_line
from tf2torch.evaluate.proof import Proof
from tf2torch.job import Job
from tf2torch.progress import Progress
from tf2torch.report import page, provenance, shown

Loader = Callable[[], nn.Module]
T = TypeVar("T")
IMAGE_BATCH = 10
NO_CLASSIFIER = "images are compared for classifiers alone: one output with a row of numbers for each image"


def run(job: Job, loaders: Mapping[str, Loader], products: Path, proof: Proof | None = None) -> None:
    """Writes report.json, report.md and report.html. `loaders` maps each way to load the model to a
    function that does it.

    Without a proof a model takes images [N, 3, H, W] and gives [N, classes], and only that is compared. With one, the
    first of the ways is looked into, and of the others those that give something else. A failed comparison is a
    verdict, not an error.
    """
    reference = bundle.load(job.intermediate("export", "reference.safetensors"))
    device = devices.choose(job.device)
    devices.exact_arithmetic()
    loaded: dict[str, Any] = {}
    pictures: dict[str, Any] = {}
    attacked: dict[str, Any] | None = None
    known, inputs = (proof.correspondence, proof.details.inputs) if proof else (None, ())
    for name, load in loaders.items():
        with say.step(f"comparing {name} on {devices.describe(device)}"):
            model = load().to(device).eval()
            sharing.announce(name)
            pictures = pictures or shown.of(Network.of(model, device, known), reference, inputs, job)
            if reference and reference.attacks and not loaded:
                attacked = attacks.compare(Network.of(model, device, known), reference.attacks, job)
            loaded[name] = compare(model, reference, job, device, proof, look_inside=not loaded)
        del model
        gc.collect()  # two models of half a gigabyte need not be in memory together
    result = {
        "schema": report.SCHEMA,
        "model": job.name,
        "engine": job.engine,
        "weights": stage.weights(job),
        "verdict": "PASS" if all(part["passed"] for part in (*loaded.values(), attacked) if part) else "FAIL",
        "tensorflow": reference.tensorflow if reference else None,
        "torch": torch.__version__,
        "device": devices.describe(device),
        "published_accuracy": job.recipe.accuracy
        and {"top1": job.recipe.accuracy.top1, "top5": job.recipe.accuracy.top5},
        "loaded": loaded,
        "attacks": attacked,
        "notes": [*(proof.details.notes if proof else ()), *(() if reference or not job.images else (NO_CLASSIFIER,))],
        "provenance": provenance.of(job),
        **pictures,
    }
    first = next(iter(loaders.values()))
    result["timing"] = latency.attempt(
        first, lambda model: Network.of(model.to(device).eval(), device, known), _known(reference, proof)[0], job
    )
    files.write_json(products / "report.json", result)
    files.write_text(products / "report.md", report.markdown(result))
    page.write(job, products, result)


def compare(
    model: nn.Module,
    reference: Reference | None,
    job: Job,
    device: torch.device,
    proof: Proof | None = None,
    *,
    look_inside: bool = True,
) -> dict[str, Any]:
    """One loaded model against the reference: errors relative to its scale, top-1 agreement, and the proof.

    Unless it is to look inside, the proof is made only where the outputs are wrong.
    """
    network = Network.of(model, device, proof.correspondence if proof else None)
    comparisons: dict[str, Any] = {}
    accuracy = None
    if proof:
        comparisons = _on_other_inputs(network, proof.details, classifies=reference is not None)
    if reference:
        rows, accuracy = _as_classifier(network, reference, job)
        comparisons = {**comparisons, **rows}
    outputs_agree = all(row["passed"] for row in comparisons.values())
    coarse = tf32.compare(network, *_known(reference, proof))
    parts: dict[str, Any] = dict.fromkeys(proving.PARTS)
    if proof and (look_inside or not outputs_agree):
        parts = proving.prove(network, proof)
    return {
        "passed": outputs_agree and all(part["passed"] for part in parts.values() if part and proving.is_judged(part)),
        "parameters": sum(p.numel() for p in model.parameters()),
        "comparisons": {name: comparisons[name] for name in sorted(comparisons, key=_place)},
        "accuracy": accuracy,
        **({"tf32": coarse} if coarse else {}),
        **parts,
    }


def _known(reference: Reference | None, proof: Proof | None) -> tuple[Sequence[Array], Sequence[Array]]:
    """Inputs, and what TensorFlow makes of them; none if there are neither of both."""
    if reference:
        return (reference.inputs,), (reference.outputs,)
    return (proof.details.inputs, proof.details.outputs) if proof else ((), ())


def _as_classifier(network: Network, reference: Reference, job: Job) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The comparisons of a classifier of images, and how many images each side names rightly."""

    def compute(batch: FloatArray) -> FloatArray:
        return network.compute([batch])[0]

    on_seeded = {
        "batch 1": (lambda: compute(reference.inputs[:1]), reference.single),
        "batch 10": (lambda: compute(reference.inputs), reference.outputs),
    }
    rows = {
        name: _comparison(_attempt(run), theirs, reference.tolerance(name)) for name, (run, theirs) in on_seeded.items()
    }
    accuracy = None
    if job.images:
        _check_same_images(reference, job)
        found = _attempt(lambda: _on_images(compute, reference, job))
        rows["images"], accuracy = (_refused(found), None) if isinstance(found, str) else found
    for name, row in rows.items():
        row |= {"tolerance": reference.tolerance(name), "float32_error": reference.float32_errors[name]}
    return rows, accuracy


def _on_other_inputs(network: Network, details: Details, *, classifies: bool) -> dict[str, dict[str, Any]]:
    """A comparison for each output at batch 2, and at another size where TensorFlow takes one.

    Of a classifier the top-1 is compared, too; of another network batch 1, which a classifier's reference has.
    """
    cases = {"batch 2": (details.inputs, details.outputs, details.tolerance)}
    if details.single and not classifies:
        cases["batch 1"] = (tuple(array[:1] for array in details.inputs), details.single, details.tolerance)
    if details.size:
        name = "size " + "x".join(map(str, details.size.inputs[0].shape[1:-1]))
        cases[name] = (details.size.inputs, details.size.outputs, details.size.tolerance)
    rows = {}
    for name, (inputs, outputs, tolerance) in cases.items():
        results = _attempt(lambda inputs=inputs: network.compute(inputs))  # type: ignore[misc]  # of this iteration
        for index, theirs in enumerate(outputs):
            ours = results if isinstance(results, str) else results[index]
            title = name if len(outputs) == 1 else f"{name}, output {index + 1}"
            rows[title] = {**_comparison(ours, theirs, tolerance, classifies=classifies), "tolerance": tolerance}
    return rows


def _attempt(run: Callable[[], T]) -> T | str:
    """What it gives, or torch's refusal, which is a verdict on the network."""
    try:
        return run()
    except RuntimeError as error:
        return first_line(error)


def _place(comparison: str) -> int:
    """Those on the most inputs come last."""
    name = comparison.split(",")[0]
    return ("batch 1", "batch 2", "size", "batch 10", "images").index("size" if name.startswith("size") else name)


def _check_same_images(reference: Reference, job: Job) -> None:
    """TensorFlow must have seen the images that this side is about to run on."""
    assert job.images is not None
    ours = tuple((item.path.relative_to(job.images).as_posix(), item.label) for item in images.labelled(job.images))
    if ours != tuple(zip(reference.image_names, reference.labels, strict=True)):
        raise _images_unknown(job)


def _images_unknown(job: Job) -> InputError:
    return InputError(
        f"TensorFlow has not been run on the images of {job.images}, so there is nothing to compare with. "
        f"`make convert MODEL={job.name} IMAGES=...` with the same folder does both sides."
    )


def _on_images(
    compute: Callable[[FloatArray], FloatArray], reference: Reference, job: Job
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The comparison on the user's images, and the accuracy of both sides."""
    assert job.images is not None  # the reference has image outputs only if there are images
    recipe = replace(job.recipe, classes=reference.outputs.shape[1])  # the checkpoint may have others than the recipe
    tally = Tally(reference, recipe.label_offset)
    with Progress("PyTorch on images", len(reference.labels), unit="images") as progress:
        for count, outputs in sharing.outputs(compute, job, IMAGE_BATCH):
            if outputs.shape[:1] != (count,):  # not a row for each image
                return wrong_shape(outputs.shape, (len(reference.labels), tally.classes)), None
            tally.add(outputs, progress.done)
            progress.update(count)
    return tally.row(reference.tolerance("images")), tally.accuracy()


def _comparison(
    ours: FloatArray | str, theirs: FloatArray, tolerance: float, *, classifies: bool = True
) -> dict[str, Any]:
    """A wrong shape fails by itself: broadcasting would hide it. In [n, classes] the largest are at the same places."""
    if isinstance(ours, str):
        return _refused(ours)
    if ours.shape != theirs.shape:
        return wrong_shape(ours.shape, theirs.shape)
    error = relative_error(ours, theirs)
    row = {"passed": bool(np.isfinite(error)) and error <= tolerance, "error": error if np.isfinite(error) else None}
    if theirs.ndim != 2 or not classifies:
        return row
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    return {**row, "passed": row["passed"] and same == len(theirs), "same_top1": same, "count": len(theirs)}


def _refused(problem: str) -> dict[str, Any]:
    return {"passed": False, "error": None, "problem": problem}
