"""From a recipe and weights to an inference graph with a named output and a TensorFlow 1 checkpoint of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tf2torch import prefix as prefixes
from tf2torch import say
from tf2torch.errors import InputError
from tf2torch.export import fitting, random_weights
from tf2torch.export.definition import tensor
from tf2torch.export.fitting import Shapes
from tf2torch.export.stored import Stored
from tf2torch.export.tensorflow import session, tf
from tf2torch.files import sha256
from tf2torch.job import Job
from tf2torch.zoo import fetch, networks

OUTPUT = "MMdnn_Output"
Arrays = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An inference graph, cut down to what its output needs, and the value of every variable in it."""

    graph: Any  # tf.Graph; its output is the operation OUTPUT
    input_name: str
    variables: Arrays  # by name, float32


def load(job: Job) -> Loaded:
    """The job's network with its weights. Raises InputError if the checkpoint is missing, broken or of another net."""
    stored = None if job.weights == "random" else opened(job)
    network = networks.build(job.recipe) if stored is None else _with_its_classes(job, stored)
    with network.graph.as_default():
        tf.identity(network.logits, name=OUTPUT)
    shapes = _shapes(network)
    needed = _needed(network, job, shapes)
    if stored is None:
        found = random_weights.values(job.recipe, job.seed)
    else:
        check(stored, needed, shapes, f"the network {job.recipe.network}", suggest=not job.recipe.scope_map)
        types = {each.op.name: each.dtype.base_dtype.as_numpy_dtype for each in variables_of(network.graph)}
        found = stored.values({name: types[name] for name in shapes if name in stored.shapes})
    # A variable that the output does not need may be missing, or be another network's.
    kept = {name: value for name, value in found.items() if [*value.shape] == shapes[name]}
    return Loaded(network.graph, network.images.op.name, kept)


def opened(job: Job) -> Stored:
    """The job's checkpoint: the user's own, or the one in models/. Raises InputError if it cannot be read."""
    prefix = job.checkpoint or fetch.locate(job.models, job.name)
    if prefix is None:
        raise InputError(
            f"There is no checkpoint models/{job.name}.ckpt. `make fetch MODEL={job.name}` downloads the published "
            f"one; `make convert MODEL={job.name} WEIGHTS=random` needs none."
        )
    label = f"The checkpoint {'' if job.checkpoint else 'models/'}{prefix.name}"
    remedy = "take another copy of it" if job.checkpoint else f"delete it, then `make fetch MODEL={job.name}`"
    return Stored(prefix, label, remedy, job.recipe.scope_map, averages=job.moving_averages)


def check(stored: Stored, needed: Shapes, known: Shapes, whose: str, *, suggest: bool) -> None:
    """Raises InputError with every needed variable that is missing or has another shape, and what there is instead.

    known: all that the network has. suggest: renaming scopes, which nobody has done yet. What is left out is said.
    """
    surplus = stored.surplus(known)
    problems = fitting.problems(needed, stored.shapes, surplus, suggest=suggest)
    averaged = [name for name in needed if name in stored.averages]
    if problems:
        hint = f"\n  EMA=1 takes moving averages, of which it has {len(averaged)}." if averaged else ""
        raise InputError(f"{stored.label} does not fit {whose}: {problems}{hint}")
    if averaged:
        say.line(f"  {stored.label} has moving averages of {len(averaged)} variables, too; EMA=1 takes them.")
    if surplus:
        names = ", ".join(surplus[: fitting.LISTED]) + (", ..." if len(surplus) > fitting.LISTED else "")
        say.line(f"  {stored.label} has variables that {whose} has not, which are left out ({len(surplus)}): {names}")


def _with_its_classes(job: Job, stored: Stored) -> networks.Network:
    """The recipe's network, for as many classes as the checkpoint has, unless the user has said how many."""
    recipe = job.recipe
    network = networks.build(recipe)
    classes = fitting.classes(_shapes(network), stored.shapes, recipe.classes)
    if classes is None:
        return network
    other = networks.build(replace(recipe, classes=classes))
    if fitting.problems(_needed(other, job, _shapes(other)), stored.shapes, [], suggest=False):
        return network
    if job.classes_said:
        raise InputError(
            f"{stored.label} has {classes} classes, NUM_CLASSES={recipe.classes} says otherwise. Leave that out; for "
            f"other classes load(num_classes={recipe.classes}) of the generated file makes a fresh last layer to train."
        )
    say.line(f"  {stored.label} has {classes} classes, where {recipe.network} has {recipe.classes}.")
    return other


def _shapes(network: networks.Network) -> dict[str, list[int]]:
    return {variable.op.name: variable.shape.as_list() for variable in variables_of(network.graph)}


def _needed(network: networks.Network, job: Job, shapes: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """The variables that the outputs depend on: those that the job names, or the recipe's."""
    definition = network.graph.as_graph_def()
    known = {node.name for node in definition.node}
    named = [node for name in job.output_names if (node := tensor(name).node) in known]
    pruned = tf.graph_util.extract_sub_graph(definition, named or [network.logits.op.name])
    return {node.name: shapes[node.name] for node in pruned.node if node.name in shapes}


def source(job: Job) -> dict[str, Any]:
    """Where the weights come from, for the manifest: the archive and files with their checksums, or the seed."""
    if job.weights == "random":
        return {"random_seed": job.seed}
    taken: dict[str, Any] = {"moving_averages": "taken"} if job.moving_averages else {}
    if job.recipe.scope_map:
        taken["scope_map"] = ", ".join(f"{theirs}={ours}" for theirs, ours in job.recipe.scope_map.items())
    if job.checkpoint:
        files = {path.name: sha256(path) for path in prefixes.values(job.checkpoint)}
        return {"network": job.recipe.network, "files": files, **taken}
    return {**fetch.provenance(job.recipe, job.models), **taken}


def save(loaded: Loaded, prefix: Path) -> None:
    """Writes prefix.meta, prefix.index and prefix.data-00000-of-00001."""
    with loaded.graph.as_default(), session(loaded.graph) as running:
        variables = [v for v in variables_of(loaded.graph) if v.op.name in loaded.variables]
        assign(loaded, running)
        saver = tf.train.Saver(variables)
        saver.save(running, str(prefix), latest_filename=f"{prefix.name}.state", write_state=False)


def assign(loaded: Loaded, running: Any) -> None:
    """Gives the variables of the loaded graph their values in a session."""
    by_name = {variable.op.name: variable for variable in variables_of(loaded.graph)}
    for name, value in loaded.variables.items():
        by_name[name].load(value, running)


def variables_of(graph: Any) -> list[Any]:
    variables: list[Any] = graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    return variables
