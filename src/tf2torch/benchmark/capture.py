"""PyTorch side: whether torch.compile takes the network as one graph, and torch.export any batch and size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from tf2torch import say
from tf2torch.benchmark.latency import EQUAL, seeded_images
from tf2torch.bundle import relative_error
from tf2torch.emit.package import SOURCE
from tf2torch.engines.native.evaluate import imported
from tf2torch.job import Job

AXES = {0: "batch", 2: "height", 3: "width"}
BATCH, OTHER_BATCH, LARGER = (
    2,
    3,
    32,
)  # a batch of one would be taken for fixed; pixels by which the other size is larger


def measure(job: Job, products: str) -> dict[str, Any]:
    """Graphs and breaks of torch.compile, and what torch.export has left dynamic, checked by running it so."""
    network: nn.Module = imported(Path(products) / SOURCE).load()
    size = job.recipe.input_size
    with say.step("torch.compile"):
        compiled = graphs(network, size)
    with say.step("torch.export"):
        exported = export(network, size)
    return {"compile": compiled, "export": exported}


def graphs(network: nn.Module, size: int) -> dict[str, Any]:
    """How many graphs torch.compile makes of the network, and why it breaks where it does."""
    with torch.inference_mode():
        found = torch._dynamo.explain(network)(seeded_images(BATCH, size))
    return {"graphs": found.graph_count, "breaks": [str(reason.reason) for reason in found.break_reasons]}


def export(network: nn.Module, size: int) -> dict[str, Any]:
    """The axes that stay dynamic under Dim.AUTO, and the shapes on which the result was checked.

    An error is the relative difference to the network itself, or what torch says against running it.
    """
    images = seeded_images(BATCH, size)
    axes = AXES if takes(network, size + LARGER) else {0: AXES[0]}
    shapes = (dict.fromkeys(axes, torch.export.Dim.AUTO),)
    program = torch.export.export(network, (images,), dynamic_shapes=shapes)
    given = set(program.graph_signature.user_inputs)
    (node,) = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in given]
    dynamic = [name for axis, name in AXES.items() if not isinstance(node.meta["val"].shape[axis], int)]
    batch = OTHER_BATCH if "batch" in dynamic else BATCH
    sizes = [size, size + LARGER] if {"height", "width"} <= set(dynamic) else [size]
    module = program.module()
    return {"dynamic": dynamic, "checked": [_checked(module, network, batch, other) for other in sizes]}


def takes(network: nn.Module, size: int) -> bool:
    """Whether the network itself runs on images of that size."""
    try:
        with torch.inference_mode():
            network(seeded_images(1, size))
    except RuntimeError:
        return False
    return True


def _checked(module: nn.Module, network: nn.Module, batch: int, size: int) -> dict[str, Any]:
    images = seeded_images(batch, size)
    row: dict[str, Any] = {"shape": list(images.shape)}
    with torch.inference_mode():
        wanted = network(images)
        try:
            found = module(images)
        except (RuntimeError, AssertionError) as refusal:  # of the guards that torch.export has found
            return {**row, "equal": False, "problem": str(refusal).splitlines()[0]}
    error = relative_error(found.numpy(), wanted.numpy())
    return {**row, "equal": error <= EQUAL, "error": error}
