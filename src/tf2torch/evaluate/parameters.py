"""Whether every weight that TensorFlow trains is a trainable parameter, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from tf2torch.evaluate.gradients import trainable
from tf2torch.ir.correspondence import Correspondence


def count(module: nn.Module, correspondence: Correspondence, trained: Mapping[str, int]) -> dict[str, Any]:
    """trained: how many elements each variable has that TensorFlow trains and that the outputs depend on."""
    kept = {ref.tensor for ref, _ in trainable(module, correspondence).values()}
    baked = {name: elements for name, elements in trained.items() if name not in kept}
    ours = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    theirs = sum(trained.values())
    return {
        "passed": not baked and ours == theirs,
        "trainable": ours,
        "tensorflow": theirs,
        "baked": sum(baked.values()),
        "baked_variables": list(baked)[:10],
    }
