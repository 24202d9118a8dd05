"""The engines: packages with one module per stage, which share recipes, the running of stages, and the comparison.

An engine is a package in here. Its `STAGES` say what each stage reads; the work of a stage is the function
`run(job, kept, products)` of the module of that name: it writes intermediates into the one folder, products into the
other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tf2torch import prefix
from tf2torch.job import Job

VERBS = {
    "export": "Exporting",
    "codegen": "Generating code for",
    "build": "Building the model",
    "evaluate": "Evaluating",
}
NAMES = tuple(VERBS)  # of the stages, in order
CHECKPOINT_OPTIONS = ("moving_averages", "classes_said")  # of Job: how a checkpoint is read


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the road, and everything outside of its source that decides what it produces."""

    name: str
    packages: tuple[str, ...]  # installed distributions whose versions matter
    options: tuple[str, ...]  # fields of Job that it reads
    inputs: Callable[[Job], list[Path]]  # files that it reads, whether they are there or not

    @property
    def verb(self) -> str:
        return VERBS[self.name]


def stages(engine: str) -> Mapping[str, Stage]:
    """The stages of an engine by name, in order. Imports no framework."""
    found: tuple[Stage, ...] = importlib.import_module(f"{__name__}.{engine}").STAGES
    return {stage.name: stage for stage in found}


def image_files(job: Job) -> list[Path]:
    """Every file of the folder with images, labels included."""
    return sorted(path for path in job.images.rglob("*") if path.is_file()) if job.images else []


def page_files() -> list[Path]:
    """What the page of a report is made from that is no Python."""
    return sorted((Path(__file__).parents[1] / "report" / "templates").iterdir())


def recipe_and_checkpoint(job: Job) -> list[Path]:
    """The recipe, and the checkpoint, which is the user's or that in models/, unless the weights are random."""
    recipe = job.models / f"{job.name}.toml"
    if job.weights == "random":
        return [recipe]
    if job.checkpoint:  # without its graph, which is not read
        found = [path for path in prefix.files(job.checkpoint) if path != prefix.meta(job.checkpoint)]
        return [recipe, *(found or [job.checkpoint])]
    return [recipe, *sorted(job.models.glob(f"{job.name}.ckpt*"))]
