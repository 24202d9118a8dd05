"""Code generation: the exported graph, rewritten pass by pass, then printed as source."""

from __future__ import annotations

from pathlib import Path

from tf2torch import files, passes, say, stage
from tf2torch.ir import correspondence, store
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:
    """Writes converted_pytorch.py, .safetensors and .sketch.safetensors. Keeps correspondence.json.

    Raises UnsupportedError with every operation that the engine cannot express.
    """
    from tf2torch import emit

    exported = job.intermediate("export", store.GRAPH).parent
    with say.step("rewriting the graph"):
        graph, weights = passes.run(*store.load(exported))
    with say.step("writing the source"):
        title = emit.Title(job.recipe, files.read_json(exported / "source.json") or {}, stage.weights(job))
        written = emit.write(graph, weights, title, products)
        correspondence.save(written, kept / "correspondence.json")
        emit.sketch(exported / "reference.safetensors", written, products)
