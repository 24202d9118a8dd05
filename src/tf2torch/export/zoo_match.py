"""Which network of the zoo variables are those of, told by their names and shapes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tf2torch import recipe as recipes
from tf2torch.errors import UsageError
from tf2torch.export import fitting
from tf2torch.export.stored import rename
from tf2torch.export.tensorflow import tf
from tf2torch.recipe import Recipe
from tf2torch.zoo import networks

Shapes = Mapping[str, Sequence[int]]
_ALIKE = 0.6  # names, as difflib counts: those below are alike by chance
_BUILT = 12  # networks at most: each takes a second or more


@dataclass(frozen=True, slots=True)
class Match:
    recipe: Recipe  # of a network with these variables; of several the one whose name is most like the model's
    classes: int  # that the variables have
    scope_map: Mapping[str, str]  # their scopes to those of the network
    sizes: tuple[int, ...] = ()  # of the inputs of other recipes of the same network


def find(models: Path, name: str, file: str, stored: Shapes) -> Match | None:
    """The first network, of those that the scopes and the names remind of, whose variables are all there.

    The model's own recipe is none of them: it is what is to be written.
    """
    for best, *others in candidates(models, name, file, stored):
        found = fit(best, needed(best), stored)
        if found is not None:
            return replace(found, sizes=tuple(sorted({each.input_size for each in others} - {best.input_size})))
    return None


def candidates(models: Path, name: str, file: str, stored: Shapes) -> list[list[Recipe]]:
    """Recipes by network, the most likely first: a scope of theirs is there, or the model or its file is called so."""
    scopes = {_plain(part) for variable in stored for part in variable.split("/")[:2]}
    called = _plain(name), _plain(file)

    def likeness(recipe: Recipe) -> tuple[bool, float, int]:
        by_scope = _plain(recipe.output.split("/")[0]) in scopes or _plain(recipe.network) in scopes
        ratios = [difflib.SequenceMatcher(None, _plain(recipe.name), each).ratio() for each in called]
        return by_scope, max((ratio for ratio in ratios if ratio > _ALIKE), default=0.0), recipe.input_size

    found: dict[str, list[Recipe]] = {}
    for recipe in sorted(_loadable(models, besides=name), key=likeness, reverse=True):
        if likeness(recipe)[0] or any(_plain(recipe.network) in each for each in called):
            found.setdefault(f"{recipe.network} {sorted(recipe.options.items())}", []).append(recipe)
    return list(found.values())[:_BUILT]


def fit(recipe: Recipe, network: Shapes, stored: Shapes) -> Match | None:
    """Whether the variables of a network are all there, under its own names or in renamed scopes."""
    absent = {name: shape for name, shape in network.items() if name not in stored}
    others = {name: shape for name, shape in stored.items() if name not in network}
    scope_map = fitting.renaming(absent, others) if absent else {}
    known = {rename(name, scope_map): shape for name, shape in stored.items()}
    if not network or not network.keys() <= known.keys():
        return None
    if all([*known[name]] == [*shape] for name, shape in network.items()):
        return Match(recipe, recipe.classes, scope_map)
    classes = fitting.classes(network, known, recipe.classes) if recipe.classes else None
    return Match(recipe, classes, scope_map) if classes else None


def needed(recipe: Recipe) -> Shapes:
    """The shapes of the variables that the output of the recipe's network depends on; none if it cannot be built."""
    try:
        network = networks.build(recipe)
    except UsageError:  # a recipe of the user's own may name what there is not
        return {}
    kept = tf.graph_util.extract_sub_graph(network.graph.as_graph_def(), [network.logits.op.name])
    names = {node.name for node in kept.node}
    variables: list[Any] = network.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    return {each.op.name: each.shape.as_list() for each in variables if each.op.name in names}


def _loadable(models: Path, *, besides: str) -> Iterator[Recipe]:
    for name in recipes.names(models):
        if name == besides:
            continue
        try:
            recipe = recipes.load(models, name)
        except UsageError:
            continue
        if recipe.network:
            yield recipe


def _plain(text: str) -> str:
    """Without case and punctuation: InceptionV3 is inception_v3."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
