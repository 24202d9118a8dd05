"""Code generation with MMdnn (mmtocode)."""

from __future__ import annotations

from pathlib import Path

from tf2torch import files
from tf2torch.engines.mmdnn import commands
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:  # noqa: ARG001  # every stage has the same three arguments
    """Writes converted_pytorch.py and converted_pytorch.npy from converted.pb and converted.npy."""
    source = products / "converted_pytorch.py"
    commands.to_code(job.output / "converted", source, source.with_suffix(".npy"))
    if job.weights == "random":
        mark = f"# RANDOM WEIGHTS (seed {job.seed}): nobody trained this network. Made with WEIGHTS=random.\n"
        files.write_text(source, mark + source.read_text(encoding="utf-8"))
