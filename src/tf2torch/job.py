"""One conversion: a recipe, what the user asked for, and the folders it reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tf2torch.recipe import Recipe

Engine = Literal["mmdnn"]
WeightsSource = Literal["pretrained", "random"]


@dataclass(frozen=True, slots=True)
class Job:
    recipe: Recipe
    engine: Engine
    weights: WeightsSource
    seed: int  # of the random weights and of the inputs on which both sides are compared
    images: Path | None  # a folder with labels.csv (filename,label); None compares on seeded inputs alone
    device: str  # of the evaluation: auto, cpu, cuda, cuda:1, ...
    models: Path  # recipes and checkpoints; read only, except for fetch
    work_root: Path  # intermediates, shared by the two containers
    output_root: Path  # products

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def work(self) -> Path:
        return self.work_root / self.name

    @property
    def output(self) -> Path:
        return self.output_root / self.name

    def intermediate(self, stage: str, file: str) -> Path:
        """Where a finished stage has left an intermediate."""
        return self.work / stage / file
