"""The first recipe of a model of the user's own: what its files say, and guesses that say they are guesses."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tf2torch import files, prefix
from tf2torch.errors import InputError, UsageError
from tf2torch.export import graph as graphs
from tf2torch.export import sources, zoo_match
from tf2torch.export.stored import Stored
from tf2torch.ir.types import Graph
from tf2torch.job import Job
from tf2torch.recipe import Recipe

_SIZE = 224  # in pixels, where nothing says it
_FAMILIES = {"vgg": r"vgg|resnet_?v?1|alexnet|overfeat", "inception": r"inception|mobilenet|nasnet|resnet_?v?2"}


@dataclass(frozen=True, slots=True)
class Line:
    """One key of the recipe, and what is to be said of it."""

    key: str
    value: Any
    comment: str = ""

    def __str__(self) -> str:
        return f"{self.key} = {_toml(self.value)}" + (f"  # {self.comment}" if self.comment else "")


def show(job: Job, *, force: bool, to_stdout: bool) -> int:
    """Writes models/<name>.toml, or prints it. Raises UsageError if it is there already, unless forced."""
    path = job.models / f"{job.name}.toml"
    if path.exists() and not force:
        raise UsageError(f"{path} is there already. Edit it, give another name (MODEL=), or overwrite it with FORCE=1.")
    text = infer(job)
    if to_stdout:
        print(text, end="")
        return 0
    files.write_text(path, text)
    print(f"{path}\n\n{text}", end="")
    return 0


def infer(job: Job) -> str:
    """The text of the recipe. Raises InputError for a source that is missing, broken, or of which nothing is known."""
    source = job.source or job.checkpoint
    if source is None:
        raise UsageError(
            "init wants SOURCE=: a graph (.pb), or a checkpoint with its .meta or of a network of the zoo."
        )
    given = prefix.of(source)
    if prefix.is_checkpoint(given) and not prefix.meta(given).is_file():
        lines = of_checkpoint(job, given)
    else:
        blank = Recipe(job.name, "", 0, 0, "inception", "", guessed=True)
        loaded = sources.load(replace(job, recipe=blank, source=given, checkpoint=None, weights="random"))
        lines = of_graph(job, *graphs.read(loaded.inference, loaded.info))
    head = [
        f"# Inferred from {given.name} by `make init`; every line is yours to edit (docs/recipes.md lists the keys).",
        f"# To convert: {_command(job, given)}",
    ]
    return "\n".join([*head, *map(str, lines), ""])


def _command(job: Job, given: Path) -> str:
    """That of the conversion: as this one was called, where make has said how."""
    said = os.environ.get("TF2TORCH_COMMAND", "").replace(" FORCE=1", "")
    if said.startswith("make init "):
        return said.replace("make init", "make convert", 1)
    folder = f"{job.models.name}/" if given.parent.resolve() == job.models.resolve() else ""
    return f"make convert MODEL={job.name} SOURCE={folder}{given.name}{' EMA=1' if job.moving_averages else ''}"


def of_checkpoint(job: Job, given: Path) -> list[Line]:
    """A checkpoint without a graph: all is that of the network of the zoo whose variables it has."""
    stored = Stored(given, given.name, "get it anew", job.recipe.scope_map, averages=job.moving_averages)
    found = zoo_match.find(job.models, job.name, given.name, stored.shapes)
    if found is None:
        some = ", ".join(sorted({name.split("/")[0] for name in stored.shapes})[:5])
        raise InputError(
            f"{given.name} has {len(stored.shapes)} variables ({some}, ...) of no network of the zoo, and there is no "
            f"{given.name}.meta with its graph. Put that beside it, or name the network: make convert NETWORK=."
        )
    like, said = found.recipe, f"of models/{found.recipe.name}.toml; the checkpoint does not say it"
    square = like.input_shape is None
    sizes = f", and others of these variables have {', '.join(map(str, found.sizes))}" if found.sizes else ""
    renamed = "but for their scopes, " if found.scope_map else ""
    lines = [
        Line("network", like.network, f"{renamed}the variables have its names and shapes"),
        Line("options", dict(like.options), f"of the shapes, as in models/{like.name}.toml") if like.options else None,
        Line("scope_map", dict(found.scope_map), "the checkpoint's and the network's") if renamed else None,
        Line("scope_map", dict(job.recipe.scope_map), "as you said") if job.recipe.scope_map and not renamed else None,
        Line("classes", found.classes, "as many as the last layer has") if like.classes else Line("classes", 0),
        Line("input_size", like.input_size, said + sizes) if square else Line("input_shape", list(like.shape), said),
        Line("preprocessing", like.preprocessing, said),
        Line("output", like.output),
        Line("aux_output", like.aux_output) if like.aux_output else None,
        Line("bn_decay", like.bn_decay, said) if like.bn_decay is not None else None,
    ]
    return [line for line in lines if line]


def of_graph(job: Job, graph: Graph, weights: Mapping[str, Any]) -> list[Line]:
    """A graph of the user's own: its input and output, and of the zoo what its variables remind of."""
    shapes = {param.ref.tensor: list(weights[param.ref.tensor].shape) for param in graph.params.values()}
    output, shape = graph.outputs[0], graph.inputs[0].type.shape if graph.inputs else None
    found = zoo_match.find(job.models, job.name, "", shapes)
    like = found.recipe if found else None
    about = f"the graph is its own; it has the variables of {like.network}" if like else "the graph is its own network"
    how = str(graph.info.get("output_chosen_by") or "the graph")
    lines = [Line("network", "", about), *_classes(graph), *_size(shape, len(graph.inputs))]
    lines += _preprocessing(job.name, shape, like)
    lines += [Line("output", output.name.removesuffix(":0"), f"chosen by {how}; `make inspect SOURCE=` shows others")]
    return [*lines, *_decay(graph, like)]


def _decay(graph: Graph, like: Recipe | None) -> list[Line]:
    decay = graph.info.get("batch_norm_decay")
    if not any("Norm" in node.op for node in graph.nodes):
        return []
    if decay is not None:
        return [Line("bn_decay", decay, f"of the {graph.info.get('batch_norm_decay_source')}")]
    if like is not None and like.bn_decay is not None:
        return [Line("bn_decay", like.bn_decay, f"of models/{like.name}.toml")]
    return [Line("# bn_decay", 0.999, "the graph does not say it; this is what is taken, and matters in training only")]


def _classes(graph: Graph) -> list[Line]:
    output = graph.outputs[0].type.shape
    is_classifier = output is not None and len(output) == 2 and (output[1] or 0) > 1
    count = output[1] if is_classifier and output else 0
    comment = "as many numbers as the output has" if count else "the output is not one number for each class"
    more = {1001: "; 1001 has the background at 0", 1000: "; the background is no class"}
    return [Line("classes", count or 0, comment + more.get(count or 0, ""))]


def _size(shape: Sequence[int | None] | None, inputs: int) -> list[Line]:
    """Of one input: a square picture's side, or the lengths of the axes."""
    first = " of the first input" if inputs > 1 else ""
    if shape is None or (len(shape) == 4 and shape[3] == 3 and None in shape[1:3]):
        return [Line("input_size", _SIZE, f"a guess{first}: the graph leaves it open")]
    lengths = [length or _SIZE if len(shape) == 4 else length or 16 for length in shape[1:]] or [1]
    guess = "a guess where the graph leaves it open" if None in shape[1:] else "as the graph has it"
    if len(lengths) == 3 and lengths[0] == lengths[1] and lengths[2] == 3:
        return [Line("input_size", lengths[0], guess + first)]
    return [Line("input_shape", lengths, guess + first)]


def _preprocessing(name: str, shape: Sequence[int | None] | None, like: Recipe | None) -> list[Line]:
    """How a photograph becomes an input. A guess is marked as one, so that no generated file passes it off as known."""
    if shape is not None and (len(shape) != 4 or shape[3] not in (None, 3)):
        return [Line("preprocessing", "none", "the input is no picture of three colours")]
    if like is not None:
        return [Line("preprocessing", like.preprocessing, f"of models/{like.name}.toml, whose variables these are")]
    for style, names in _FAMILIES.items():
        if re.search(names, name.lower()):
            comment = f"a guess: networks of that name ({name}) are trained so. Is it right? Then delete the next line"
            return [Line("preprocessing", style, comment), Line("guessed", True)]
    return [Line("preprocessing", "none", 'nothing says it. "inception" is x / 127.5 - 1, "vgg" is x - mean colour')]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
