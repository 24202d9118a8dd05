"""Recipes: one small TOML file per model under models/, read into a checked `Recipe`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from tf2torch.errors import UsageError

Preprocessing = Literal["inception", "vgg", "none"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a published checkpoint comes from. A missing checksum is recorded on the first download."""

    url: str
    file: str  # the checkpoint inside the archive
    size: int | None = None  # bytes of the archive
    sha256: str | None = None
    sha384: str | None = None
    md5: str | None = None  # better than nothing, where nobody has published another


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Published accuracy on the ILSVRC-2012 validation set, in percent."""

    top1: float
    top5: float | None = None  # None where only the first has been published


@dataclass(frozen=True, slots=True)
class Recipe:
    name: str
    network: str  # the network definition, a key of zoo.networks
    classes: int  # of ImageNet 1001 where class 0 is the background, else 1000; 0 for what is no classifier
    input_size: int  # height and width in pixels; 0 where the input is no square picture
    preprocessing: Preprocessing
    output: str  # the operation whose value is the result
    aux_output: str | None = None  # the operation of a second classifier, from which training takes gradients as well
    input_shape: tuple[int, ...] | None = None  # of one input; None: [input_size, input_size, 3]
    options: Mapping[str, Any] = field(default_factory=dict)  # arguments of the network definition
    scope_map: Mapping[str, str] = field(default_factory=dict)  # scopes of the checkpoint to those of the network
    licence: str | None = None  # of the published weights, as SPDX writes it
    bn_decay: float | None = None  # TensorFlow's decay of the batch-norm statistics; None where there is no batch norm
    weights: Weights | None = None  # None where nobody has published any
    accuracy: Accuracy | None = None
    guessed: bool = False  # the preprocessing: nobody has said it

    @property
    def says_preprocessing(self) -> bool:
        """Whether it is known how a photograph becomes an input."""
        return not self.guessed and self.input_size > 0 and self.preprocessing != "none"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input, without the batch."""
        return self.input_shape or (self.input_size, self.input_size, 3)

    @property
    def label_offset(self) -> int:
        """What to subtract from a label in the numbering with background (0..1000) to get a class of this model."""
        return int(self.classes == 1000)


def load(models: Path, name: str) -> Recipe:
    """The recipe models/<name>.toml. Raises UsageError with the nearest names if there is none, or if it is wrong."""
    known = names(models)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "`make list` shows the models there are."
        raise UsageError(f"Unknown model {name!r}: there is no recipe models/{name}.toml. {hint}")
    path = models / f"{name}.toml"
    try:
        return _parse(name, tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise UsageError(
            f"The recipe models/{path.name} is not valid: {error}. docs/recipes.md lists the keys."
        ) from error


def of_source(models: Path, name: str) -> Recipe:
    """The recipe for a graph of the user's own: models/<name>.toml if there is one, else one that knows nothing."""
    if name in names(models):
        return load(models, name)
    return Recipe(name, network="", classes=0, input_size=0, preprocessing="inception", output="", guessed=True)


def need_network(recipe: Recipe) -> None:
    """Raises UsageError for the recipe of a graph of the user's own, where nothing but the recipe is given."""
    if not recipe.network:
        raise UsageError(
            f"models/{recipe.name}.toml names no network: it is of a graph of its own. Say which: SOURCE=file."
        )


def names(models: Path) -> list[str]:
    """All models with a recipe, sorted."""
    if not models.is_dir():
        raise UsageError(f"There is no folder {models} with recipes. Run from the root of the repository.")
    return sorted(path.stem for path in models.glob("*.toml"))


def _parse(name: str, table: dict[str, Any]) -> Recipe:
    weights, accuracy = table.pop("weights", None), table.pop("accuracy", None)
    shape = table.pop("input_shape", None)
    if shape is not None and "input_size" in table:
        raise ValueError("input_size and input_shape are there, and both say how large an input is")
    recipe = _build(
        Recipe,
        {
            **({} if shape is None else {"input_size": 0}),
            **table,
            "name": name,
            "input_shape": None if shape is None else _shape(shape),
            "weights": None if weights is None else _build(Weights, weights),
            "accuracy": None if accuracy is None else _build(Accuracy, accuracy),
        },
    )
    if recipe.preprocessing not in get_args(Preprocessing):
        raise ValueError(f"preprocessing is {recipe.preprocessing!r}, not one of {', '.join(get_args(Preprocessing))}")
    if recipe.classes < 0 or min(recipe.shape) < 1:
        raise ValueError("classes and input_size are positive numbers")
    if not all(isinstance(scope, str) for scope in recipe.scope_map.values()):
        raise ValueError('scope_map is no table of text, as {"their/scope" = "our/scope"}')
    scopes = {theirs.strip("/"): ours.strip("/") for theirs, ours in recipe.scope_map.items()}
    return replace(recipe, scope_map=scopes)


def _shape(lengths: object) -> tuple[int, ...]:
    if not isinstance(lengths, list) or not lengths or not all(type(length) is int for length in lengths):
        raise ValueError(f"input_shape is {lengths!r}, not the lengths of the axes, as [32, 32, 3]")
    return tuple(lengths)


_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "Preprocessing": str,
    "Mapping[str, Any]": dict,
    "Mapping[str, str]": dict,
}


def _build(cls: type[T], table: object) -> T:
    """A dataclass from a TOML table: every key known, every scalar of the annotated type."""
    if not isinstance(table, dict):
        raise ValueError(f"{cls.__name__.lower()} is {table!r}, not a table")
    annotations = {field.name: str(field.type) for field in fields(cls)}  # type: ignore[arg-type]  # only dataclasses come here
    for key, value in table.items():
        if key not in annotations:
            near = difflib.get_close_matches(key, annotations, n=1)
            raise ValueError(f"unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
        kind = _TYPES.get(annotations[key].removesuffix(" | None"))
        if kind and value is not None and (not isinstance(value, kind) or isinstance(value, bool) != (kind is bool)):
            raise ValueError(f"{key} is {value!r}, not {annotations[key]}")
    return cls(**table)
