"""Runs a stage, or finds that it need not run: the key is what it reads, and its products are verified."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import time
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from tf2torch import closure, files
from tf2torch.engines import Stage
from tf2torch.job import Job
from tf2torch.recipe import Recipe

IMAGE_RECORD = Path("/etc/tf2torch/image.json")  # written when an image of ours is built; absent outside of them
_STAMP = {"key", "weights", "image", "seconds", "intermediates", "products"}  # what a stamp holds


def module_of(stage: Stage, job: Job) -> str:
    return f"tf2torch.engines.{job.engine}.{stage.name}"


def key(stage: Stage, job: Job) -> dict[str, Any]:
    """Everything that decides what the stage produces. Computed without importing a framework."""
    return {
        "options": {name: getattr(job, name) for name in stage.options if name != "recipe"},
        "recipe": _plain(job.recipe) if "recipe" in stage.options else {},
        "inputs": {_name(path, job): files.sha256(path) if path.is_file() else None for path in stage.inputs(job)},
        "source": closure.source_hash(module_of(stage, job)),
        "packages": {name: _version(name) for name in stage.packages},
    }


def stale(stage: Stage, job: Job) -> str | None:
    """Why the stage has to run, in a few words; None if its last results hold."""
    stamp = read_stamp(stage.name, job)
    if stamp is None:
        return "not done yet"
    current = json.loads(json.dumps(key(stage, job)))
    for part, value in current.items():
        if stamp["key"].get(part) != value:
            return f"{part} changed: {_difference(stamp['key'].get(part), value)}"
    for place, products in (("work", stamp["intermediates"]), ("output", stamp["products"])):
        folder = job.work / stage.name if place == "work" else job.output
        for name, digest in products.items():
            path = folder / name
            if not path.is_file() or files.sha256(path) != digest:
                return f"{name} is {'not what was written' if path.is_file() else 'missing'}"
    return None


def run(stage: Stage, job: Job) -> float:
    """Runs the stage into temporary folders; only its success changes anything. Returns the seconds it took."""
    start = time.perf_counter()
    scratch = job.work / f".{stage.name}{files.PARTIAL}"
    with files.machine_errors(job.work), files.alone(job.work, "converting"):
        shutil.rmtree(scratch, ignore_errors=True)
        kept, products = scratch / "kept", scratch / "products"
        try:
            kept.mkdir(parents=True)
            products.mkdir()
            job.output.mkdir(parents=True, exist_ok=True)
            before = key(stage, job)
            importlib.import_module(module_of(stage, job)).run(job, kept, products)
            stamp = {
                "key": before,
                "weights": weights(job),
                "image": _image(),
                "seconds": round(time.perf_counter() - start, 2),
                "intermediates": _digests(kept),
                "products": _digests(products),
            }
            _publish(stage, job, kept, products, stamp)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return time.perf_counter() - start


def read_stamp(name: str, job: Job) -> dict[str, Any] | None:
    """What the last success of a stage has left on record: key, seconds, intermediates and products with sha256."""
    stamp = files.read_json(_stamp_path(name, job))
    return stamp if isinstance(stamp, dict) and stamp.keys() >= _STAMP else None


def amend(name: str, job: Job, product: str, text: str) -> bool:
    """Replaces a product of a stage that is done, and puts that on record. False if it has made none."""
    stamp = read_stamp(name, job)
    if stamp is None or product not in stamp["products"]:
        return False
    files.write_text(job.output / product, text)
    stamp["products"][product] = files.sha256(job.output / product)
    files.write_json(_stamp_path(name, job), stamp)
    return True


def weights(job: Job) -> str:
    """`pretrained`, or `random, seed 0`: every product of a network that nobody trained says so."""
    return f"random, seed {job.seed}" if job.weights == "random" else "pretrained"


def _publish(stage: Stage, job: Job, kept: Path, products: Path, stamp: dict[str, Any]) -> None:
    """Replaces the old results by the new. A stop in between leaves no stamp, so that the stage runs again."""
    old = read_stamp(stage.name, job)
    for name in (old or {"products": {}})["products"].keys() - stamp["products"].keys():
        (job.output / name).unlink(missing_ok=True)  # a product of other options must not pass for one of these
    _stamp_path(stage.name, job).unlink(missing_ok=True)
    folder = job.work / stage.name
    shutil.rmtree(folder, ignore_errors=True)
    kept.rename(folder)
    for path in sorted(products.iterdir()):
        files.copy(path, job.output / path.name)
    files.write_json(_stamp_path(stage.name, job), stamp)


def _plain(recipe: Recipe) -> dict[str, Any]:
    """What a recipe says, by key: the user may have said otherwise, so the file alone does not tell."""
    return {name: value for name, value in asdict(recipe).items() if name != "name"}


def _name(path: Path, job: Job) -> str:
    """An input's name wherever the folders are mounted."""
    own = job.source or job.checkpoint
    for folder in (job.models, job.output, job.work, job.images, own and own.parent):
        if folder and path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name


def _stamp_path(name: str, job: Job) -> Path:
    return job.work / f"{name}.stamp.json"


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: files.sha256(path) for path in sorted(folder.iterdir())}


def _difference(old: Any, new: dict[str, Any]) -> str:
    if not isinstance(old, dict):
        return "tf2torch itself"
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")


def _image() -> dict[str, Any] | None:
    """Which container image this runs in: what the image knows of itself, and its id where the caller passed it on."""
    built = files.read_json(IMAGE_RECORD)
    return built and {**built, "id": os.environ.get("TF2TORCH_IMAGE") or None}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
