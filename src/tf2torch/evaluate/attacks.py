"""Attacks with PyTorch's gradients, from the same images and the same start as TensorFlow's."""

from __future__ import annotations

from typing import Any

import torch

from tf2torch import attacks
from tf2torch.attacks import ATTACKS, FAR, FloatArray, IntArray, Recorded
from tf2torch.errors import ParityError
from tf2torch.evaluate import gradients
from tf2torch.evaluate.network import Network, first_line, memory_errors
from tf2torch.job import Job


def compare(network: Network, theirs: Recorded, job: Job) -> dict[str, Any]:
    """The key attacks of report.json: the gradient of the loss, and what comes of each attack.

    Judged by the direction of the gradient alone: over ten steps rounding turns many a sign.
    """
    try:
        ours = _run(network, theirs, job)
    except (ParityError, RuntimeError) as error:
        return {"passed": False, "images": len(theirs.labels), "problem": first_line(error)}
    (gradient,) = gradients.of_inputs([ours.gradient], [theirs.gradient])
    columns = (attacks.successes(theirs), attacks.successes(ours), attacks.same_signs(ours, theirs))
    rows = [
        {
            "attack": attack.method,
            "steps": attack.steps,
            "epsilon": attack.eps,
            "images": int(count),
            "tensorflow": {"success": their_success},
            "pytorch": {"success": our_success},
            "same_sign": same_sign,
        }
        for attack, count, their_success, our_success, same_sign in zip(ATTACKS, theirs.counts, *columns, strict=True)
    ]
    return {"passed": gradient["passed"], "images": len(theirs.labels), "gradient": gradient, "rows": rows}


def _run(network: Network, theirs: Recorded, job: Job) -> Recorded:
    labels = torch.from_numpy(theirs.labels).to(network.device)

    def gradient(batch: FloatArray) -> FloatArray:
        (images,) = network.feed([batch])
        images.requires_grad_()
        (outputs,) = network.run([images])
        if outputs.ndim != 2 or len(outputs) != len(batch):
            raise ParityError(f"The output has the shape {list(outputs.shape)}, not [{len(batch)}, classes].")
        target = torch.nn.functional.one_hot(labels[: len(batch)], outputs.shape[1])
        loss = (outputs - FAR * target).logsumexp(1) - (outputs * target).sum(1)
        with memory_errors():
            (slope,) = torch.autograd.grad(loss.sum(), [images], allow_unused=True, materialize_grads=True)
        found: FloatArray = network.inputs[0].inverse().apply(slope).cpu().numpy()
        return found

    def classes(batch: FloatArray) -> IntArray:
        found: IntArray = network.compute([batch])[0].argmax(1)
        return found

    with gradients.differentiable(network.module):
        known = (theirs.inputs, theirs.labels, theirs.counts)
        return attacks.run(gradient, classes, *known, job.recipe.preprocessing, job.seed)
