"""Evaluation of what MMdnn made, loaded in both of its ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tf2torch.engines.mmdnn import commands, values
from tf2torch.evaluate import evaluation, proof
from tf2torch.evaluate.proof import Proof
from tf2torch.job import Job

NOTES = (
    "Another size of the images: MMdnn writes the padding down as it is at the size that it converts at.",
    "Modules, gradients and parameters are no part of MMdnn's verdict, which is about outputs: docs/mmdnn.md says why.",
)


def run(job: Job, kept: Path, products: Path) -> None:  # noqa: ARG001  # every stage has the same three arguments
    """Writes report.json, report.md and report.html."""
    source = job.output / "converted_pytorch.py"
    evaluation.run(job, loaders(source, job.formats), products, read_proof(job, source))


def loaders(source: Path, formats: tuple[str, ...]) -> dict[str, evaluation.Loader]:  # noqa: ARG001  # as of any engine
    """Each way to load the network, by the name of the file that it is loaded from."""
    return {
        "converted_pytorch.pth": lambda: commands.load_model(source.with_suffix(".pth"), source),
        "KitModel(converted_pytorch.npy)": lambda: commands.load_kit_model(source, source.with_suffix(".npy")),
    }


def read_proof(job: Job, source: Path) -> Proof:
    """What TensorFlow computed on the way, and which values of the source that is.

    Raises InputError if a part is missing, or the source is none of MMdnn's.
    """
    graph, details = proof.recorded(job)
    known = values.correspondence(source.read_text(encoding="utf-8"), graph)
    fitting = replace(details, size=None, notes=(*details.notes, *NOTES))
    return Proof.of(graph, known, fitting, watching=values.watching, judges=False)
