"""The tables of docs/zoo.md and docs/mmdnn.md: how an engine last converted every recipe, read off the results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tf2torch import files
from tf2torch.errors import UsageError
from tf2torch.evaluate.report import COMPARISONS
from tf2torch.job import place
from tf2torch.recipe import names

BEGIN, END = "<!-- zoo table: begin -->", "<!-- zoo table: end -->"
COLUMNS = ("model", "verdict", "batch 1", "batch 10", "photographs", "float64", "top-1", "source lines", "remarks")
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def show(options: argparse.Namespace) -> int:
    """Prints the table, or with --write puts it between the marks of a document."""
    models, output = Path(options.models_folder), Path(options.output_folder)
    text = "\n".join([HEADER, *(row(output / place(name, options.engine), name) for name in names(models))])
    if options.write is None:
        print(text)
        return 0
    document = Path(options.write)
    content = document.read_text(encoding="utf-8")
    if BEGIN not in content or END not in content:
        raise UsageError(f"{document} has no place for the table: two lines {BEGIN} and {END}.")
    before, after = content.split(BEGIN)[0], content.split(END)[1]
    files.write_text(document, f"{before}{BEGIN}\n{text}\n{END}{after}")
    return 0


def row(folder: Path, name: str) -> str:
    """One line of the table. A conversion that did not reach its verdict says how it ended."""
    status = files.read_json(folder / "status.json")
    if status is None:
        return f"| {name} | not measured | | | | | | | |"
    if status["verdict"] is None:
        remark = f"{status['stage']}, exit code {status['exit_code']}: {_first(status['error'])}"
        return f"| {name} | fails | | | | | | | {remark} |"
    report = files.read_json(folder / "report.json")
    loaded = next(iter(report["loaded"].values()))
    compared = loaded["comparisons"]
    most = list(compared.values())[-1]  # photographs, or the batch where there were none
    cells = [
        *(_error(compared.get(part)) for part in COMPARISONS),
        _exact(loaded.get("float64")),
        f"{most.get('same_top1', 0)}/{most.get('count', 0)}",
        str(len((folder / "converted_pytorch.py").read_text(encoding="utf-8").splitlines())),
    ]
    return f"| {name} | {status['verdict']} | {' | '.join(cells)} |  |"


def _error(compared: dict[str, Any] | None) -> str:
    if compared is None:
        return ""
    if "shape" in compared:
        return f"shape {compared['shape']}"
    return "not a number" if compared["error"] is None else f"{compared['error']:.1e} / {compared['tolerance']:.1e}"


def _exact(found: dict[str, Any] | None) -> str:
    """The worst of outputs and gradients in float64, where PROOF=1 compared them."""
    return f"{max(found['errors'].values()):.1e}" if found and found.get("errors") else ""


def _first(message: str | None) -> str:
    """The first sentence of a message, safe in a table."""
    return (message or "").splitlines()[0].split(". ")[0].replace("|", "\\|") if message else ""
