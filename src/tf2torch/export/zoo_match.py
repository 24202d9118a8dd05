"""Which network of the zoo variables are those of, told by their names and shapes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_BUILT = 12  # networks at most: each takes a second or more


@dataclass(frozen=True, slots=True)
class Match:
    recipe: Recipe  # of a network with these variables; of several the one whose name is most like the model's
    classes: int  # that the variables have
    scope_map: Mapping[str, str]  # their scopes to those of the network


def find(models: Path, name: str, stored: Shapes) -> Match | None:
    """The first network, of those that the scopes and the model's name remind of, whose variables are all there.

    The model's own recipe is none of them: it is what is to be written.
    """
    for recipe in candidates(models, name, stored):
        found = fit(recipe, needed(recipe), stored)
        if found is not None:
            return found
    return None


def candidates(models: Path, name: str, stored: Shapes) -> list[Recipe]:
    """Recipes of different networks, the most likely first: a scope of theirs is there, or the model is called so."""
    scopes = {_plain(part) for variable in stored for part in variable.split("/")[:2]}
    called = _plain(name)
    found: dict[str, tuple[tuple[bool, float], Recipe]] = {}
    for recipe in _loadable(models, besides=name):
        by_scope = _plain(recipe.output.split("/")[0]) in scopes or _plain(recipe.network) in scopes
        if not by_scope and _plain(recipe.network) not in called:
            continue
        likeness = difflib.SequenceMatcher(None, _plain(recipe.name), called).ratio()
        network = f"{recipe.network} {sorted(recipe.options.items())}"
        found[network] = max(found.get(network, ((False, 0.0), recipe)), ((by_scope, likeness), recipe), key=_rank)
    ranked = sorted(found.values(), key=_rank, reverse=True)
    return [recipe for _, recipe in ranked[:_BUILT]]


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


def _rank(entry: tuple[tuple[bool, float], Recipe]) -> tuple[bool, float]:
    return entry[0]


def _plain(text: str) -> str:
    """Without case and punctuation: InceptionV3 is inception_v3."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
