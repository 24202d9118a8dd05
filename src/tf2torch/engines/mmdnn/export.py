"""Export with MMdnn: the named checkpoint, its IR (mmtoir), and what TensorFlow computes."""

from __future__ import annotations

from pathlib import Path

from tf2torch import bundle, files, say
from tf2torch.engines.mmdnn import commands
from tf2torch.export import checkpoint, graph, latency, recording, reference, sources
from tf2torch.ir import store
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:
    """Writes <model>.ckpt.* with the output MMdnn_Output, and converted.json, .pb and .npy.

    Keeps reference.safetensors, graph.json, source.json and timing.json.
    """
    with say.step("building the network" + (", drawing seeded weights" if job.weights == "random" else "")):
        loaded = checkpoint.load(job)
        prefix = products / f"{job.name}.ckpt"
        checkpoint.save(loaded, prefix)
        files.write_json(kept / "source.json", checkpoint.source(job))
    with say.step("mmtoir"):
        commands.to_ir(prefix.with_name(f"{prefix.name}.meta"), prefix, checkpoint.OUTPUT, products / "converted")
    with say.step("recording what TensorFlow computes"):
        inference = sources.inference(loaded)
        files.write_json(kept / store.GRAPH, store.encode(graph.read(inference, {})[0]))
        details, exact = recording.record(inference, job)
        compared = None
        if reference.is_classifier(inference, job.recipe):
            batch = reference.BATCH if len(details.inputs[0]) > 1 else 1
            compared = reference.record(inference, job, exact and exact[0], batch)
        bundle.save(compared, kept / "reference.safetensors", details)
    latency.record(inference, job, kept)
