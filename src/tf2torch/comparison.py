"""What the engines made of one model, side by side."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tf2torch import errors, ledger, options
from tf2torch.evaluate import report
from tf2torch.job import ENGINES, Job

ROWS = ("verdict", "weights", "error", "tolerance", "top-1 equal", "parameters", "source lines")


def show(given: argparse.Namespace) -> int:
    """Prints a column for each engine. Raises InputError for an engine that has not tried yet."""
    job = options.job(replace_native(given))
    jobs = {engine: replace(job, engine=engine) for engine in ENGINES}  # type: ignore[arg-type]  # one of Engine
    columns = {engine: column(each) for engine, each in jobs.items()}
    _refresh_pages(jobs.values())
    if given.json:
        print(json.dumps({"model": job.name, "engines": columns}, indent=2))
        return 0
    texts = {engine: {row: _text(value) for row, value in values.items()} for engine, values in columns.items()}
    width = max(len(text) for values in texts.values() for text in [*values.values(), *ENGINES])
    print("  ".join([f"{job.name:<16}", *(f"{engine:<{width}}" for engine in ENGINES)]).rstrip())
    for row in ROWS:
        print("  ".join([f"{row:<16}", *(f"{texts[engine][row]:<{width}}" for engine in ENGINES)]).rstrip())
    for engine, values in columns.items():
        if values["reason"]:
            print(f"\n{engine}: {values['reason']}")
    return 0


def _refresh_pages(jobs: Iterable[Job]) -> None:
    """Each page shows both engines, where the packages are that pages are made with."""
    with contextlib.suppress(ImportError):
        from tf2torch.report import page

        for job in jobs:
            page.refresh(job)


def replace_native(given: argparse.Namespace) -> argparse.Namespace:
    """The same options for the engine that knows them all."""
    return argparse.Namespace(**{**vars(given), "engine": ENGINES[0]})


def column(job: Job) -> dict[str, Any]:
    """One engine's figures; None for those that it did not come to."""
    status = ledger.status(job)
    if status is None:
        raise errors.InputError(
            f"The engine {job.engine} has not converted {job.name} yet. `make compare MODEL={job.name}` runs both."
        )
    values: dict[str, Any] = dict.fromkeys(ROWS)
    values["reason"] = status["error"]
    values["weights"] = status["weights"]
    source = job.output / "converted_pytorch.py"
    if source.is_file() and status["exit_code"] in (0, 5):
        values["source lines"] = len(source.read_text(encoding="utf-8").splitlines())
    result = ledger.report(job)
    if status["verdict"] is None or result is None or result.get("schema") != report.SCHEMA:
        values["verdict"] = f"failed in {status['stage']}" if status["exit_code"] else "not evaluated"
        return values
    worst, top1 = report.worst(result), report.top1(result)
    entry = next(iter(result["loaded"].values()))
    trained = entry.get("trainable") or {}  # without the gammas that a batch norm of PyTorch has in any case
    return {
        **values,
        "verdict": result["verdict"],
        "error": worst["error"],
        "tolerance": worst["tolerance"],
        "top-1 equal": "/".join(map(str, top1)),
        "parameters": trained.get("trainable", entry["parameters"]),
    }


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.1e}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
