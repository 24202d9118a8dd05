"""Run where TensorFlow is: both engines' graphs of a checkpoint of the tiny network, below the current folder."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.numpy import save_file

from tests.export import tiny_network
from tf2torch.benchmark import export
from tf2torch.export import random_weights
from tf2torch.ir import store

job = tiny_network.job(Path(), "models", engine="native")
weights = job.intermediate("export", store.WEIGHTS)
weights.parent.mkdir(parents=True)
save_file(random_weights.values(job.recipe, seed=0), weights)
version = export.measure(job, "checkpoint", "network.ckpt")["tensorflow"]
found = {}
for engine in ("native", "mmdnn"):
    Path(engine).mkdir()
    found[engine] = export.measure(job, engine, "network.ckpt", engine)["seconds"]
Path("found.json").write_text(json.dumps({"tensorflow": version, **found}))
