"""Export for the native engine: the network as a graph of ours with its weights, and what TensorFlow computes."""

from __future__ import annotations

from pathlib import Path

from tf2torch import bundle, files, say
from tf2torch.export import graph, latency, recording, reference, sources
from tf2torch.ir import store
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:  # noqa: ARG001  # every stage has the same three arguments
    """Writes graph.json, weights.safetensors, reference.safetensors, source.json, graph.pb and timing.json."""
    with say.step("building the network" + (", drawing seeded weights" if job.weights == "random" else "")):
        source = sources.load(job)
        exported, weights = graph.read(source.inference, source.info)
        store.save(exported, weights, kept)
        files.write_json(kept / "source.json", source.info["source"])
    with say.step("recording what TensorFlow computes"):
        details, exact = recording.record(source.inference, job)
        compared = None
        if reference.is_classifier(source.inference, job.recipe):
            batch = reference.BATCH if len(details.inputs[0]) > 1 else 1
            compared = reference.record(source.inference, job, exact and exact[0], batch)
        bundle.save(compared, kept / "reference.safetensors", details)
    (kept / "graph.pb").write_bytes(source.inference.definition.graph_def().SerializeToString())  # for TensorBoard
    latency.record(source.inference, job, kept)
