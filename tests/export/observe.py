"""Run as a script where TensorFlow is: what the exporting side does with the tiny network, for tests to judge.

observe.py FOLDER writes FOLDER/observed.json and FOLDER/arrays.npz.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tiny_network
from PIL import Image

from tf2torch import bundle, images
from tf2torch.errors import Tf2TorchError
from tf2torch.export import checkpoint, random_weights, reference, sources
from tf2torch.export.tensorflow import session, tf
from tf2torch.zoo import networks

Arrays = dict[str, Any]
observed: dict[str, Any] = {}
arrays: Arrays = {}


def outcome(act: Callable[[], Any]) -> dict[str, Any]:
    """How a call ended: the kind of error and its words, or no kind."""
    try:
        act()
    except Tf2TorchError as error:
        return {"error": type(error).__name__, "words": str(error)}
    except Exception as error:  # not one of ours: the test shows it
        return {"error": f"unexpected {type(error).__name__}", "words": str(error)}
    return {"error": None, "words": ""}


def logits(loaded: checkpoint.Loaded, batch: Any) -> Any:
    with session(loaded.graph) as running:
        checkpoint.assign(loaded, running)
        return running.run(f"{checkpoint.OUTPUT}:0", {f"{loaded.input_name}:0": batch})


def write(prefix: Path, variables: Arrays, version: int = 2) -> None:
    """A checkpoint of these variables."""
    prefix.parent.mkdir(exist_ok=True)
    with tf.Graph().as_default() as graph, session(graph) as running:
        made = [tf.get_variable(name, initializer=tf.constant(value)) for name, value in variables.items()]
        running.run(tf.global_variables_initializer())
        saver = tf.train.Saver(made, write_version=version)
        saver.save(running, str(prefix), write_meta_graph=False, write_state=False)


def fitting(root: Path, variables: Arrays) -> None:
    """Checkpoints that do not fit the network, or only seem not to."""
    without = {name: value for name, value in variables.items() if name != "Tiny/conv1/weights"}
    cases = {
        "the same": variables,
        "the same, version 1": variables,
        "missing": without,
        "renamed": {name.replace("Tiny/", "Tinny/"): value for name, value in variables.items()},
        "nothing alike": {"zzz": np.zeros(3, np.float32)},
        "surplus": {**variables, "global_step": np.array(7, np.int64), "Tiny/mean_rgb": np.zeros(3, np.float32)},
        "wrong shape": {**variables, "Tiny/logits/weights": np.zeros((1, 1, 8, 12), np.float32)},
        "transposed": {**variables, "Tiny/logits/weights": np.zeros((1, 1, 11, 8), np.float32)},
        "several at once": {
            **without,
            "Tiny/logits/biases": np.zeros(12, np.float32),
            "Tiny/conv1/kernel": np.zeros(1),
        },
        "auxiliary of another shape": {**variables, "Tiny/auxiliary/weights": np.zeros((1, 1, 6, 3), np.float32)},
        "auxiliary missing": {name: value for name, value in variables.items() if "auxiliary" not in name},
    }
    for case, stored in cases.items():
        job = tiny_network.job(root, f"fitting {case}")
        write(job.models / "net.ckpt", stored, version=1 if case.endswith("version 1") else 2)
        observed[f"fitting/{case}"] = outcome(lambda job=job: load_and_run(job, f"fitting/{case}"))  # noqa: B023  # used at once


def load_and_run(job: Any, name: str) -> None:
    loaded = checkpoint.load(job)
    arrays[name] = logits(loaded, arrays["batch"])
    for variable, value in loaded.variables.items():
        arrays[f"{name}/{variable}"] = value


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "data cut short": ("net.ckpt.data-00000-of-00001", lambda content: content[: len(content) // 2]),
    "data empty": ("net.ckpt.data-00000-of-00001", lambda _: b""),
    "data altered": ("net.ckpt.data-00000-of-00001", lambda content: content[:400] + b"\x55" * 9 + content[409:]),
    "index cut short": ("net.ckpt.index", lambda content: content[: len(content) // 2]),
    "index empty": ("net.ckpt.index", lambda _: b""),
    "index of text": ("net.ckpt.index", lambda _: b"<html>not found</html>" * 100),
    "version 1 of text": ("net.ckpt", lambda _: b"<html>not found</html>" * 100),
    "version 1 empty": ("net.ckpt", lambda _: b""),
    "version 1 cut short": ("net.ckpt", lambda content: content[: len(content) // 2]),
    "version 1 altered": ("net.ckpt", lambda content: content[:400] + b"\x55" * 9 + content[409:]),
}


def damaged(root: Path, variables: Arrays) -> None:
    for case, (file, damage) in DAMAGE.items():
        job = tiny_network.job(root, f"damaged {case}")
        write(job.models / "net.ckpt", variables, version=1 if file == "net.ckpt" else 2)
        path = job.models / file
        path.write_bytes(damage(path.read_bytes()))
        observed[f"damaged/{case}"] = outcome(lambda job=job: checkpoint.load(job))


def saving(root: Path, loaded: checkpoint.Loaded) -> None:
    """What MMdnn is given, loaded as MMdnn does it: the meta graph, the output by its name."""
    folder = root / "saved"
    folder.mkdir()
    checkpoint.save(loaded, folder / "net.ckpt")
    observed["saved files"] = sorted(path.name for path in folder.iterdir())
    with tf.Graph().as_default() as graph, session(graph) as running:
        tf.train.import_meta_graph(str(folder / "net.ckpt.meta")).restore(running, str(folder / "net.ckpt"))
        arrays["reloaded"] = running.run("MMdnn_Output:0", {"input:0": arrays["batch"]})


def random(root: Path) -> None:
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        for variable, value in random_weights.values(tiny_network.RECIPE, seed).items():
            arrays[f"random/{name}/{variable}"] = value
    for name, shape in (("weights", [3, 3, 50, 80]), ("depthwise_weights", [3, 3, 900, 1]), ("gamma", [9000])):
        arrays[f"draw/{name}"] = random_weights.draw(f"a/{name}", shape, 0)
    arrays["draw/other name"] = random_weights.draw("b/gamma", [9000], 0)
    calibration = images.seeded(0, random_weights.CALIBRATION_BATCH, 20)
    arrays["calibration"] = images.network_input(calibration, "inception")
    arrays["calibration logits"] = logits(
        checkpoint.load(tiny_network.job(root, "none", weights="random")), arrays["calibration"]
    )


def recording(root: Path, loaded: checkpoint.Loaded) -> None:
    folder = root / "images"
    (folder / "a").mkdir(parents=True)
    lines = ["filename,label"]
    for number in range(11):
        pixels = np.random.default_rng(number).integers(0, 256, (20 + number, 25, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "a" / f"{number}.png")
        lines.append(f"a/{number}.png,{number % 3}")
    (folder / "labels.csv").write_text("\n".join(lines))
    inference = sources.inference(loaded)
    recorded = reference.record(inference, tiny_network.job(root, "none", images=folder))
    bundle.save(recorded, root / "with images.safetensors")
    bundle.save(reference.record(inference, tiny_network.job(root, "none", seed=5)), root / "without.safetensors")
    name = "Tiny/logits/biases"
    spoilt = replace(loaded, variables={**loaded.variables, name: loaded.variables[name] * np.float32(np.nan)})
    observed["not finite"] = outcome(
        lambda: reference.record(sources.inference(spoilt), tiny_network.job(root, "none"))
    )


def building() -> None:
    for case, changes in {
        "unknown network": {"network": "resnet_v1_5O"},
        "far off": {"network": "xyzzy"},
        "unknown output": {"output": "Tiny/SpatialSqueze"},
    }.items():
        observed[f"building/{case}"] = outcome(
            lambda changes=changes: networks.build(replace(tiny_network.RECIPE, **changes))
        )


def main(root: Path) -> None:
    loaded = checkpoint.load(tiny_network.job(root, "none", weights="random"))
    arrays["batch"] = images.network_input(images.seeded(9, 4, 20), "inception")
    arrays["logits"] = logits(loaded, arrays["batch"])
    arrays["float64"] = reference.in_float64(sources.inference(loaded), arrays["batch"])
    for name, value in loaded.variables.items():
        arrays[f"loaded/{name}"] = value
    observed["no checkpoint"] = outcome(lambda: checkpoint.load(tiny_network.job(root, "none")))
    observed["sources"] = {"random": checkpoint.source(tiny_network.job(root, "none", weights="random", seed=4))}
    fitting(root, loaded.variables)
    damaged(root, loaded.variables)
    saving(root, loaded)
    random(root)
    recording(root, loaded)
    building()
    np.savez(root / "arrays.npz", **arrays)
    (root / "observed.json").write_text(json.dumps(observed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
