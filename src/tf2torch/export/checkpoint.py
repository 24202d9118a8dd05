"""From a recipe and weights to an inference graph with a named output and a TensorFlow 1 checkpoint of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf2torch.errors import InputError
from tf2torch.export import random_weights
from tf2torch.export.tensorflow import session, tf
from tf2torch.job import Job
from tf2torch.recipe import Recipe
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
    network = networks.build(job.recipe)
    with network.graph.as_default():
        tf.identity(network.logits, name=OUTPUT)
    pruned = tf.graph_util.extract_sub_graph(network.graph.as_graph_def(), [OUTPUT])
    shapes = {variable.op.name: variable.shape.as_list() for variable in variables_of(network.graph)}
    needed = {node.name: shapes[node.name] for node in pruned.node if node.name in shapes}
    found = random_weights.values(job.recipe, job.seed) if job.weights == "random" else read(job, needed)
    # A variable that the output does not need may be missing, or be another network's.
    fitting = {name: found[name] for name, shape in shapes.items() if name in found and [*found[name].shape] == shape}
    return Loaded(network.graph, network.images.op.name, fitting)


def source(job: Job) -> dict[str, Any]:
    """Where the weights come from, for the manifest: the archive and files with their checksums, or the seed."""
    if job.weights == "random":
        return {"random_seed": job.seed}
    return fetch.provenance(job.recipe, job.models)


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


def read(job: Job, needed: dict[str, list[int]]) -> Arrays:
    """The variables of the job's checkpoint. `needed` maps those that the output depends on to their shapes."""
    prefix = fetch.locate(job.models, job.name)
    if prefix is None:
        raise InputError(
            f"There is no checkpoint models/{job.name}.ckpt. `make fetch MODEL={job.name}` downloads the published "
            f"one; `make convert MODEL={job.name} WEIGHTS=random` needs none."
        )
    try:
        reader = tf.train.NewCheckpointReader(str(prefix))
        stored = reader.get_variable_to_shape_map()
        _check(job.recipe, prefix, needed, stored)
        return {name: reader.get_tensor(name) for name in stored}
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(
            f"The checkpoint models/{prefix.name} cannot be read ({reason}). It is truncated or not a checkpoint: "
            f"delete it, then `make fetch MODEL={job.name}`."
        ) from error


def _check(recipe: Recipe, prefix: Path, needed: dict[str, list[int]], stored: dict[str, list[int]]) -> None:
    """Raises InputError with every variable that is missing or has another shape, and the nearest surplus name."""
    problems = []
    surplus = [name for name in stored if name not in needed]
    for name, shape in needed.items():
        if name not in stored:
            near = difflib.get_close_matches(name, surplus, n=1)
            problems.append(f"{name} is missing" + (f" (nearest: {near[0]})" if near else ""))
        elif stored[name] != shape:
            problems.append(f"{name} is {stored[name]}, the network has {shape}")
    if problems:
        shown = "\n  ".join(problems[:10]) + (f"\n  and {len(problems) - 10} more" if len(problems) > 10 else "")
        raise InputError(
            f"The checkpoint models/{prefix.name} does not fit the network {recipe.network}: "
            f"{len(problems)} of {len(needed)} variables.\n  {shown}"
        )
