"""Evaluation of what MMdnn made, loaded in both of its ways."""

from __future__ import annotations

from pathlib import Path

from tf2torch.engines.mmdnn import commands
from tf2torch.evaluate import evaluation
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:  # noqa: ARG001  # every stage has the same three arguments
    """Writes report.json and report.md."""
    evaluation.run(job, loaders(job.output / "converted_pytorch.py", job.formats), products)


def loaders(source: Path, formats: tuple[str, ...]) -> dict[str, evaluation.Loader]:  # noqa: ARG001  # as of any engine
    """Each way to load the network, by the name of the file that it is loaded from."""
    return {
        "converted_pytorch.pth": lambda: commands.load_model(source.with_suffix(".pth"), source),
        "KitModel(converted_pytorch.npy)": lambda: commands.load_kit_model(source, source.with_suffix(".npy")),
    }
