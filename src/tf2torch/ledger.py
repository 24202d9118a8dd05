"""What is on record about a conversion: status.json (how it went) and manifest.json (what was made from what)."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

from tf2torch import engines, files, stage
from tf2torch.errors import MachineError
from tf2torch.job import Job


def record(job: Job, *, stage_name: str, exit_code: int, error: str | None = None) -> None:
    """Writes both files after a stage, a failed one too. A folder that cannot be written is reported, not raised."""
    try:
        files.write_json(job.output / "status.json", _status(job, stage_name, exit_code, error))
        files.write_json(job.output / "manifest.json", manifest(job))
    except MachineError as failure:
        print(failure, file=sys.stderr)


def amend(job: Job, stage_name: str, product: str, text: str) -> None:
    """Replaces a product of a stage that is done, if it has made one; what was made from what stays on record."""
    if stage.amend(stage_name, job, product, text):
        current = manifest(job)
        command = (files.read_json(job.output / "manifest.json") or current)["command"]
        files.write_json(job.output / "manifest.json", {**current, "command": command})


def report(job: Job) -> dict[str, Any] | None:
    """The content of report.json, if the conversion has been evaluated."""
    result: dict[str, Any] | None = files.read_json(job.output / "report.json")
    return result


def status(job: Job) -> dict[str, Any] | None:
    result: dict[str, Any] | None = files.read_json(job.output / "status.json")
    return result


def _status(job: Job, stage_name: str, exit_code: int, error: str | None) -> dict[str, Any]:
    result = report(job) if stage_name == "evaluate" and exit_code in (0, 5) else None
    return {
        "model": job.name,
        "engine": job.engine,
        "weights": result["weights"] if result else stage.weights(job),
        "stage": stage_name,
        "exit_code": exit_code,
        "error": error,
        "verdict": result["verdict"] if result else None,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def manifest(job: Job) -> dict[str, Any]:
    """Products with their sha256, the versions and images that made them, the source of the weights, the seconds."""
    stamps = {name: stamp for name in engines.NAMES if (stamp := stage.read_stamp(name, job))}
    return {
        "model": job.name,
        "engine": job.engine,
        "weights": stamps["export"]["weights"] if "export" in stamps else stage.weights(job),
        "source": files.read_json(job.intermediate("export", "source.json")),
        "command": os.environ.get("TF2TORCH_COMMAND") or " ".join(["tf2torch", *sys.argv[1:]]),
        "seconds": {name: stamp["seconds"] for name, stamp in stamps.items()},
        "versions": {name: stamp["key"]["packages"] for name, stamp in stamps.items()},
        "images": {name: stamp["image"] for name, stamp in stamps.items()},
        "products": {
            product: {"sha256": digest, "stage": name, "weights": stamp["weights"]}
            for name, stamp in stamps.items()
            for product, digest in stamp["products"].items()
        },
    }
