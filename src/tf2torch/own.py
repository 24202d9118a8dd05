"""The recipe of a model of the user's own: a graph, or a network of ours with what the user says of it.

Both sides come here, so the networks are those that recipes name: their definitions need TensorFlow.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tf2torch import prefix, recipe
from tf2torch.errors import UsageError
from tf2torch.recipe import Preprocessing, Recipe

VARIABLES = ("NETWORK", "NUM_CLASSES", "INPUT_SHAPE", "PREPROCESS", "SCOPE_MAP")
# What the recipes of one network must agree in, unless the user says it, to stand for the network.
_DECISIVE = ("input_size", "input_shape", "preprocessing", "output", "aux_output", "options", "bn_decay")


def recipe_of(
    models: Path, model: str, source: Path | None, said: Mapping[str, str], *, converted: bool = False
) -> Recipe:
    """The recipe of that name, or of NETWORK, or of a source that says nothing of itself; changed as the user says.

    said: the values of VARIABLES that are not empty. converted: that is done, and it need have no recipe any more.
    Raises UsageError for values that cannot be.
    """
    changes = _changes(said)
    if "NETWORK" in said:
        found = _of_network(models, model, said["NETWORK"], changes)
    elif source is not None or converted:
        found = recipe.of_source(models, model)
    elif model not in recipe.names(models) and prefix.is_checkpoint(models / f"{model}.ckpt"):
        raise UsageError(
            f"models/{model}.ckpt is there, but nothing says of which network it is. NETWORK= does (`make list`), or, "
            f"where its .meta is beside it, SOURCE=models/{model}.ckpt."
        )
    else:
        found = recipe.load(models, model)
    if source is not None:
        found = _unpublished(found)
    changed = replace(found, **changes)
    if said.get("PREPROCESS", "none") != "none" and not changed.input_size:
        raise UsageError(
            f"PREPROCESS={said['PREPROCESS']} is for square pictures, and nobody says how large those of {model} are: "
            "INPUT_SHAPE=224 does."
        )
    return changed


def _changes(said: Mapping[str, str]) -> dict[str, Any]:
    """Fields of the recipe."""
    changes: dict[str, Any] = {}
    if "NUM_CLASSES" in said:
        changes["classes"] = _numbers("NUM_CLASSES", said["NUM_CLASSES"], "a number, as 5")[0]
    if "INPUT_SHAPE" in said:
        shape = _numbers("INPUT_SHAPE", said["INPUT_SHAPE"], "the lengths of an input's axes, as 299 or 299,299,3")
        shape = shape * 2 + (3,) if len(shape) == 1 else shape
        square = len(shape) == 3 and shape[0] == shape[1] and shape[2] == 3
        changes |= {"input_size": shape[0] if square else 0, "input_shape": None if square else shape}
    if "PREPROCESS" in said:
        changes |= {"preprocessing": cast("Preprocessing", said["PREPROCESS"]), "guessed": False}
    if "SCOPE_MAP" in said:
        changes["scope_map"] = _scope_map(said["SCOPE_MAP"])
    return changes


def _numbers(variable: str, text: str, form: str) -> tuple[int, ...]:
    numbers = [int(word) if word.isascii() and word.isdecimal() else 0 for word in re.split(r"[,x\s]+", text.strip())]
    if not all(numbers) or (variable == "NUM_CLASSES" and len(numbers) > 1):
        raise UsageError(f"{variable}={text} is not known. It is {form}.")
    return tuple(numbers)


def _scope_map(text: str) -> dict[str, str]:
    """From `theirs=ours,theirs=ours`. An empty scope is that of everything."""
    found = {}
    for pair in filter(None, re.split(r"[,\s]+", text)):
        theirs, equals, ours = (part.strip("/") for part in pair.partition("="))
        if not equals or "=" in ours or theirs in found:
            raise UsageError(
                f"SCOPE_MAP={text} is not known. It is their=our, a scope of the checkpoint and the network's for it, "
                "or several with commas between them; each of theirs once, and an empty one stands for everything."
            )
        found[theirs] = ours
    return found


def _of_network(models: Path, model: str, network: str, changes: Mapping[str, Any]) -> Recipe:
    """The model's own recipe, if there is one, or that of a network, without what was published for it."""
    known = recipe.names(models)
    if model in known:
        found = recipe.load(models, model)
        if network not in (model, found.network):
            raise UsageError(
                f"NETWORK={network} is not what models/{model}.toml says: {found.network or 'no network of ours'}. "
                "Leave it out, or give the model another name (MODEL=)."
            )
        return found
    every = [recipe.load(models, name) for name in known]
    shipped = [each for each in every if each.name == network] or [each for each in every if each.network == network]
    if not shipped:
        near = difflib.get_close_matches(network, {*known, *(each.network for each in every)}, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "`make list` shows the models whose networks there are."
        raise UsageError(f"Unknown network {network!r}: no recipe names it. {hint}")
    differ = [
        name for name in _DECISIVE if name not in changes and len({repr(getattr(each, name)) for each in shipped}) > 1
    ]
    if differ:
        raise UsageError(
            f"NETWORK={network} is the network of {len(shipped)} models, which differ in {' and '.join(differ)}. "
            f"Name the one that yours is like: NETWORK={' or '.join(each.name for each in shipped[:3])}"
            f"{' or ...' if len(shipped) > 3 else ''}."
        )
    return replace(_unpublished(shipped[0]), name=model)


def _unpublished(found: Recipe) -> Recipe:
    """Without what is true of the published weights alone."""
    return replace(found, weights=None, accuracy=None, licence=None)
