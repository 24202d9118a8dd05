"""Export for the native engine: the network as a graph of ours with its weights, and what TensorFlow computes."""

from __future__ import annotations

import json
from pathlib import Path

from tf2torch import bundle, files
from tf2torch.export import checkpoint, graph, reference, sources
from tf2torch.ir import store
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:  # noqa: ARG001  # every stage has the same three arguments
    """Writes graph.json, weights.safetensors, reference.safetensors and source.json."""
    source = sources.load(job)
    exported, weights = graph.read(source.inference, source.info)
    store.save(exported, weights, kept)
    bundle.save(reference.record(source.loaded, job), kept / "reference.safetensors")
    files.write_text(kept / "source.json", json.dumps(checkpoint.source(job)))
