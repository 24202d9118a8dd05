"""TensorFlow side: a checkpoint of the exported weights, and how long each engine takes to make its graph of it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from tf2torch.export import checkpoint, graph, sources
from tf2torch.export.tensorflow import tf
from tf2torch.ir import store
from tf2torch.job import Job
from tf2torch.zoo import networks


def measure(job: Job, what: str, *paths: str) -> dict[str, Any]:
    """what: "checkpoint" PREFIX writes one; "native" or "mmdnn" PREFIX FOLDER makes the engine's graph of it."""
    if what == "checkpoint":
        write_checkpoint(job, Path(paths[0]))
        return {"tensorflow": tf.VERSION}
    prefix, folder = map(Path, paths)
    return {"seconds": native(job, prefix, folder) if what == "native" else mmdnn(prefix, folder)}


def write_checkpoint(job: Job, prefix: Path) -> None:
    """Writes prefix.meta, .index and .data of the recipe's network with the weights that were exported."""
    network = networks.build(job.recipe)
    with network.graph.as_default():
        tf.identity(network.logits, name=checkpoint.OUTPUT)
    exported = load_file(job.intermediate("export", store.WEIGHTS))
    names = [variable.op.name for variable in checkpoint.variables_of(network.graph)]
    values = {name: exported[name] for name in names if name in exported}
    checkpoint.save(checkpoint.Loaded(network.graph, network.images.op.name, values), prefix)


def native(job: Job, prefix: Path, folder: Path) -> float:
    """Seconds for graph.json and weights.safetensors, all imports done."""
    job = replace(job, source=prefix.with_name(f"{prefix.name}.meta"))
    start = time.perf_counter()
    source = sources.load(job)
    store.save(*graph.read(source.inference, source.info), folder)
    return time.perf_counter() - start


def mmdnn(prefix: Path, folder: Path) -> float:
    """Seconds for MMdnn's .json, .pb and .npy (mmtoir), all imports done."""
    from tf2torch.engines.mmdnn import adapter, commands

    with adapter.adapted(tensorflow=True):
        from mmdnn.conversion.tensorflow import tensorflow_parser  # noqa: F401  # not to be measured: an import
    start = time.perf_counter()
    commands.to_ir(prefix.with_name(f"{prefix.name}.meta"), prefix, checkpoint.OUTPUT, folder / "converted")
    return time.perf_counter() - start
