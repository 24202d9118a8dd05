"""output/index.html: a table of every report below output/, of both engines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tf2torch import files
from tf2torch.job import ENGINES, place
from tf2torch.report import page, sections

INDEX = "index.html"


def show(options: argparse.Namespace) -> int:
    """Writes the index, and prints where it is."""
    output = Path(options.output_folder)
    found = rows(output)
    files.write_text(output / INDEX, page.template(INDEX).render(rows=found, passed=_passed(found)))
    print(f"{_passed(found)} of {len(found)} PASS  -> output/{INDEX}")
    return 0


def rows(output: Path) -> list[dict[str, Any]]:
    """A row for each model and engine that has been tried, by name. One that was not evaluated says how it ended."""
    models = sorted(path.name for path in output.iterdir() if path.is_dir()) if output.is_dir() else []
    tried = (_row(output, place(model, engine), model, engine) for model in models for engine in ENGINES)
    return [row for row in tried if row]


def _row(output: Path, where: Path, model: str, engine: str) -> dict[str, Any] | None:
    folder = output / where
    links = {
        "folder": where.as_posix(),
        "pages": [name for name in (page.PAGE, "report.json", "report.md") if (folder / name).is_file()],
    }
    status = files.read_json(folder / "status.json")
    status = status if isinstance(status, dict) else {}
    result = page.read(folder)
    if result is not None and status.get("exit_code", 0) in (0, 5):
        return {**sections.column(result), **links, "finished": status.get("finished"), "failure": None}
    if not status:
        return None
    about = {name: status.get(name) for name in ("weights", "finished")}
    failure = status.get("error") or f"{status.get('stage')} ended with {status.get('exit_code')}"
    return {"model": model, "engine": engine, "verdict": None, **about, **links, "failure": failure}


def _passed(found: list[dict[str, Any]]) -> int:
    return sum(row["verdict"] == "PASS" for row in found)
