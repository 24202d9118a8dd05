"""PyTorch side: how long codegen and build take, and how much memory."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

from tf2torch import emit, files, passes, stage
from tf2torch.emit.package import SOURCE
from tf2torch.ir import store
from tf2torch.job import Job


def measure(job: Job, products: str) -> dict[str, Any]:
    """Writes source, weights and .pth into the folder `products`. Seconds are those after the imports; MB are 10^6."""
    imported = peak_megabytes()
    marks = [time.perf_counter()]
    exported = job.intermediate("export", store.GRAPH).parent
    graph, weights = store.load(exported)
    marks.append(time.perf_counter())
    graph, weights = passes.run(graph, weights)
    marks.append(time.perf_counter())
    title = emit.Title(job.recipe, files.read_json(exported / "source.json") or {}, stage.weights(job))
    emit.write(graph, weights, title, Path(products))
    marks.append(time.perf_counter())
    codegen = peak_megabytes()
    emit.build(Path(products) / SOURCE, Path(products), ())
    marks.append(time.perf_counter())
    parts = ("load", "passes", "write", "build")
    return {
        "seconds": {part: marks[index + 1] - marks[index] for index, part in enumerate(parts)},
        "weights_megabytes": (exported / store.WEIGHTS).stat().st_size / 1e6,
        "peak_megabytes": {"imports": imported, "codegen": codegen, "build": peak_megabytes()},
    }


def peak_megabytes() -> float:
    """The most memory that this process has held so far, in MB of 10^6 bytes.

    Linux counts the parent's in, which is why that imports no framework.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
