"""What of a network is looked at and not judged: its tree, and some images with what both sides make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tf2torch.bundle import Reference
from tf2torch.errors import ParityError
from tf2torch.evaluate.network import Array, Network
from tf2torch.job import Job
from tf2torch.report import examples, tree


def of(network: Network, reference: Reference | None, inputs: Sequence[Array], job: Job) -> dict[str, Any]:
    """Keys of report.json. A network that cannot be run has what can be said without; the comparisons tell why.

    inputs: in TensorFlow's order of axes, of a network that is no classifier of images; those of others are known.
    """
    found: dict[str, Any] = {"network": tree.of(network, (reference.inputs[:1],) if reference else inputs)}
    if reference:
        try:
            found["examples"] = examples.collect(lambda batch: network.compute([batch])[0], reference, job)
        except (ParityError, RuntimeError):
            found["examples"] = []
    return found
