"""The model file with MMdnn (mmtomodel)."""

from __future__ import annotations

from pathlib import Path

from tf2torch.engines.mmdnn import commands
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:  # noqa: ARG001  # every stage has the same three arguments
    """Writes converted_pytorch.pth."""
    source = job.output / "converted_pytorch.py"
    commands.to_model(source, source.with_suffix(".npy"), products / "converted_pytorch.pth")
