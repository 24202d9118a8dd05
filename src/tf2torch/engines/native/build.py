"""The model files: .pth, and the further formats that were asked for."""

from __future__ import annotations

from pathlib import Path

from tf2torch.engines.native import SOURCE
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:  # noqa: ARG001  # every stage has the same three arguments
    """Writes converted_pytorch.pth, and .npy and .pt2 where FORMATS names them."""
    from tf2torch import emit

    emit.build(job.output / SOURCE, products, job.formats)
