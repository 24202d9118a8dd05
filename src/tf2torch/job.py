"""One conversion: a recipe, what the user asked for, and the folders it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from tf2torch.recipe import Recipe

Engine = Literal["native", "mmdnn"]
WeightsSource = Literal["pretrained", "random"]
Format = Literal["npy", "pt2"]
ENGINES: tuple[str, ...] = get_args(Engine)
FORMATS: tuple[str, ...] = get_args(Format)
DEFAULT_ENGINE = ENGINES[0]


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
    source: Path | None = None  # a graph of the user's own, with its checkpoint; None: the recipe's network
    checkpoint: Path | None = None  # prefix of one of the user's own for that network; None: models/<name>.ckpt
    moving_averages: bool = False  # take the moving average of each variable that has one
    classes_said: bool = False  # that there are as many as the recipe has; else the checkpoint may have others
    said: Mapping[str, str] = field(
        default_factory=dict
    )  # variables that have changed the recipe, as the user wrote them
    input_names: tuple[str, ...] = ()  # TensorFlow tensors to feed; none: those that the source says or that are found
    output_names: tuple[str, ...] = ()  # TensorFlow tensors to compute; none: as for the inputs
    proof: bool = False  # compare in float64, too, and the gradients of every parameter
    bisect: bool = False  # compare every tensor whole, to find the first that differs
    formats: tuple[str, ...] = ()  # of FORMATS, beside .safetensors and .pth
    timing: bool = False  # measure how fast both sides are
    devices: str = "1"  # how many run on the images: a number, or all GPUs

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def work(self) -> Path:
        return self.work_root / place(self.name, self.engine)

    @property
    def output(self) -> Path:
        return self.output_root / place(self.name, self.engine)

    def intermediate(self, stage: str, file: str) -> Path:
        """Where a finished stage has left an intermediate."""
        return self.work / stage / file


def place(name: str, engine: str) -> Path:
    """Where a model's results stand below output/: in its own folder, those of any but the default engine deeper."""
    return Path(name) if engine == DEFAULT_ENGINE else Path(name, engine)
