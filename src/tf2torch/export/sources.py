"""Where a network comes from: a recipe, a meta graph with its checkpoint, a frozen graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf2torch import recipe
from tf2torch.errors import InputError, UsageError
from tf2torch.export import candidates, checkpoint, random_weights, variables
from tf2torch.export.definition import Definition, Tensor, tensor
from tf2torch.export.normalize import Array, Inference, infer
from tf2torch.export.reading import Given, read
from tf2torch.export.stored import Stored
from tf2torch.export.tensorflow import tf
from tf2torch.files import sha256
from tf2torch.ir.types import Attr, Shape
from tf2torch.job import Job

Values = Callable[[Mapping[str, Shape | None]], Mapping[str, Array]]


@dataclass(frozen=True, slots=True)
class Source:
    inference: Inference
    info: Mapping[str, Attr]  # name, batch_norm_decay, batch_norm_decay_source, source, output_chosen_by


def load(job: Job) -> Source:
    """What the user has, as an inference graph. Raises InputError if it is missing, broken or has no such tensors."""
    return from_file(job, job.source) if job.source else from_recipe(job)


def from_recipe(job: Job) -> Source:
    """A recipe's network, with random weights or its checkpoint's."""
    recipe.need_network(job.recipe)
    loaded = checkpoint.load(job)
    return _source(job, inference(loaded, job), checkpoint.source(job), "the recipe")


def inference(loaded: checkpoint.Loaded, job: Job | None = None) -> Inference:
    """A recipe's network up to the tensor that the recipe names, or between those that the job names."""
    graph = loaded.graph
    outputs = _tensors(job.output_names) if job else []
    inputs = _tensors(job.input_names) if job else []
    return infer(
        graph.as_graph_def(),
        inputs or [Tensor(loaded.input_name)],
        outputs or [tensor(graph.get_operation_by_name(checkpoint.OUTPUT).inputs[0].name)],
        lambda _: loaded.variables,
        {variable.op.name for variable in graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)},
    )


def from_file(job: Job, path: Path) -> Source:
    """A graph of the user's own: a meta graph with the checkpoint beside it, or a frozen graph."""
    given = read(path)
    unread = [name for name in ("EMA", "SCOPE_MAP") if name in job.said]
    if unread and not variables.shapes(Definition(given.definition)):
        raise UsageError(f"{path.name} has its weights in itself: there is no checkpoint for {' and '.join(unread)}.")
    outputs, chosen_by = _tensors(job.output_names), "the user"
    if not outputs:
        outputs, chosen_by = _output(given, job)
    found = infer(given.definition, _tensors(job.input_names), outputs, _values(given, job), given.trainable)
    origin: dict[str, Any] = {"files": {file.name: sha256(file) for file in given.files}}
    if job.weights == "random":
        origin["random_seed"] = job.seed
    return _source(job, found, origin, chosen_by)


def _output(given: Given, job: Job) -> tuple[list[Tensor], str]:
    named = {"the recipe": job.recipe.output, "its name": checkpoint.OUTPUT}
    known = {node.name for node in given.definition.node}
    for who, name in named.items():
        if name and tensor(name).node in known:
            return [tensor(name)], who
    return [candidates.best(given.definition).tensor], "being the last that the network computes"


def _tensors(names: tuple[str, ...]) -> list[Tensor]:
    return [tensor(name) for name in names]


def _source(job: Job, found: Inference, files: Mapping[str, Any], chosen_by: str) -> Source:
    decays = [*found.decays.values()]
    info: dict[str, Attr] = {
        "name": job.name,
        "source": dict(files),
        "output_chosen_by": chosen_by,
        "batch_norm_decay": max(set(decays), key=decays.count) if decays else job.recipe.bn_decay,
        "batch_norm_decay_source": "training graph" if decays else "recipe" if job.recipe.bn_decay else "default",
    }
    return Source(found, info)


def _values(given: Given, job: Job) -> Values:
    def drawn(shapes: Mapping[str, Shape | None]) -> Mapping[str, Array]:
        return {name: random_weights.draw(name, list(shape or ()), job.seed) for name, shape in shapes.items()}  # type: ignore[arg-type]  # a variable has a shape

    def stored(shapes: Mapping[str, Shape | None]) -> Mapping[str, Array]:
        if given.checkpoint is None:
            raise InputError(
                f"{given.files[0].name} has {len(shapes)} variables and no checkpoint beside it (.index and .data-..., "
                "under the same name). Put it there, or take WEIGHTS=random."
            )
        label, scope_map = f"The checkpoint {given.checkpoint.name}", job.recipe.scope_map
        opened = Stored(given.checkpoint, label, "take another copy of it", scope_map, averages=job.moving_averages)
        known = {name: _known(shape, opened.shapes.get(name)) for name, shape in variables.shapes(whole).items()}
        checkpoint.check(
            opened, {name: known[name] for name in shapes}, known, "the graph beside it", suggest=not scope_map
        )
        types = variables.dtypes(whole)
        return opened.values({name: types[name] for name in shapes})

    whole = Definition(given.definition)
    return drawn if job.weights == "random" else stored


def _known(shape: Shape | None, stored: Sequence[int] | None) -> Sequence[int | None]:
    """The shape of a variable; where the graph does not say it, that in the checkpoint fits."""
    return (stored or ()) if shape is None else shape


def inspect(path: Path) -> list[candidates.Candidate]:
    """The tensors of a graph of the user's own that may be its output, the best one first."""
    return candidates.find(Definition(read(path).definition))
