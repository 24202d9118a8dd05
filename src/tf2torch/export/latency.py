"""How fast TensorFlow runs a network, measured in a process of its own.

The reference is computed without oneDNN and without Grappler, which both change the rounding. Nobody who wants speed
runs TensorFlow so; here it has both, and variables for the weights.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from tf2torch import files, say, timing
from tf2torch.export.inputs import seeded_inputs
from tf2torch.export.normalize import Array, Inference
from tf2torch.export.tensorflow import tf
from tf2torch.job import Job

FILE = "timing.json"  # among the intermediates of an export
BATCHES = (1, 8, 32)
WANTED = 8  # larger ones only where there is time left
SECONDS = 5.0  # for all of them together
_LIMIT = 180  # seconds until nobody waits for the other process any longer


def record(inference: Inference, job: Job, kept: Path) -> None:
    """Writes timing.json, if the job asks for it: the rows of timing.row, or the problem. Never fails."""
    if not job.timing:
        return
    with say.step("timing TensorFlow"):
        try:
            result = _in_another_process(inference, job, kept)
        except Exception as error:  # figures of speed are no reason to be without a conversion
            result = {"problem": f"TensorFlow was not timed: {(str(error) or type(error).__name__).splitlines()[-1]}"}
        files.write_json(kept / FILE, result)


def _in_another_process(inference: Inference, job: Job, kept: Path) -> Any:
    batches = _batches(inference, job)
    inputs = {f"{batch} {place}": array for batch, arrays in batches.items() for place, array in enumerate(arrays)}
    about = {
        "batches": list(batches),
        "inputs": [item.name for item in inference.inputs],
        "outputs": [item.name for item in inference.outputs],
        "weights": list(inference.weights),
    }
    weights = {str(place): value for place, value in enumerate(inference.weights.values())}
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".timing-") as name:
        folder = Path(name)
        (folder / "graph.pb").write_bytes(inference.definition.graph_def().SerializeToString())
        files.write_json(folder / "about.json", about)
        for file, arrays in (("weights", weights), ("inputs", inputs)):
            save_file(
                {key: np.array(value, order="C") for key, value in arrays.items()}, folder / f"{file}.safetensors"
            )
        path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(folder)],
            env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1", "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT,
        )
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"its process ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def _batches(inference: Inference, job: Job) -> dict[int, tuple[Array, ...]]:
    """The inputs by the size of the batch: of each of BATCHES, or that which the graph fixes."""
    found = [seeded_inputs(inference, job, batch) for batch in BATCHES]
    sizes = [next((array.shape[0] for array in arrays if array.ndim), 1) for arrays in found]
    return dict(zip(sizes, found, strict=True))


def measure(folder: Path) -> dict[str, Any]:
    """Times the graph in a folder as `record` leaves it there, at each batch size that it takes."""
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    definition = tf.GraphDef.FromString((folder / "graph.pb").read_bytes())
    weights, inputs = (load_file(folder / f"{name}.safetensors") for name in ("weights", "inputs"))
    others = timing.Others()
    rows: list[timing.Row] = []
    with tf.Graph().as_default() as graph:
        variables, feeds = {}, {}
        for place, name in enumerate(about["weights"]):
            value = weights[str(place)]
            given = tf.placeholder(value.dtype, value.shape)
            variables[f"{name}:0"] = tf.Variable(given, trainable=False)
            feeds[given] = value
        reads = {name: variable.read_value() for name, variable in variables.items()}
        outputs = tf.import_graph_def(definition, reads, about["outputs"], name="")
        placeholders = [graph.get_tensor_by_name(name) for name in about["inputs"]]
        with tf.Session(graph=graph) as session:
            session.run(tf.global_variables_initializer(), feeds)
            call = session.make_callable(outputs, placeholders)
            began, batches = time.perf_counter(), about["batches"]
            for index, batch in enumerate(batches):
                left = max(SECONDS - (time.perf_counter() - began), 0.0)
                if batch > WANTED and _expected(rows, batch) > left:
                    break
                given = [inputs[f"{batch} {place}"] for place in range(len(placeholders))]
                seconds = left / (len(batches) - index + 1)  # and as much for what takes longer than that
                try:
                    measured = timing.interleaved({"TensorFlow": lambda given=given: call(*given)}, seconds)  # type: ignore[misc]  # of this iteration
                except tf.errors.OpError as error:
                    rows.append(timing.problem("TensorFlow", batch, str(error).splitlines()[0][:200]))
                else:
                    rows.append(timing.row("TensorFlow", batch, measured["TensorFlow"]))
    # The other device is hidden from TensorFlow, see export/tensorflow.py.
    return {"device": "CPU", "threads": os.cpu_count(), "busy_elsewhere": others.share(), "rows": rows}


def _expected(rows: list[timing.Row], batch: int) -> float:
    """How many seconds a batch takes at least, going by the one before."""
    known = [row for row in rows if row["median_ms"] is not None]
    return (timing.FEWEST + 1) * known[-1]["median_ms"] / 1000 * batch / known[-1]["batch"] if known else math.inf


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
