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
# What a table shows of a conversion, in order; of MMdnn's, which is the yardstick, only how well it computes.
COLUMNS = {
    "native": ("verdict", "batch 1", "batch 10", "photographs", "float64", "top-1", "source lines", "remarks"),
    "mmdnn": ("verdict", "batch 1", "batch 10", "photographs", "top-1", "remarks"),
}
_COMPARED = dict(zip(("batch 1", "batch 10", "photographs"), COMPARISONS, strict=True))


def header(engine: str) -> str:
    columns = ("model", *COLUMNS[engine])
    return f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"


def show(options: argparse.Namespace) -> int:
    """Prints the table, or with --write puts it between the marks of a document."""
    models, output = Path(options.models_folder), Path(options.output_folder)
    rows = [row(output / place(name, options.engine), name, options.engine) for name in names(models)]
    text = "\n".join([header(options.engine), *rows])
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


def row(folder: Path, name: str, engine: str) -> str:
    """One line of the table. A conversion that did not reach its verdict says how it ended."""
    status = files.read_json(folder / "status.json")
    if status is None:
        cells = {"verdict": "not measured"}
    elif status["verdict"] is None:
        remark = f"{status['stage']}, exit code {status['exit_code']}: {_first(status['error'])}"
        cells = {"verdict": "fails", "remarks": remark}
    else:
        cells = {"verdict": status["verdict"], **_measured(folder)}
    return f"| {name} | {' | '.join(cells.get(column, '') for column in COLUMNS[engine])} |"


def _measured(folder: Path) -> dict[str, str]:
    """The figures of a conversion by column."""
    loaded = next(iter(files.read_json(folder / "report.json")["loaded"].values()))
    compared = loaded["comparisons"]
    most = list(compared.values())[-1]  # photographs, or the batch where there were none
    return {
        **{column: _error(compared.get(part)) for column, part in _COMPARED.items()},
        "float64": _exact(loaded.get("float64")),
        "top-1": f"{most.get('same_top1', 0)}/{most.get('count', 0)}",
        "source lines": str(_lines((folder / "converted_pytorch.py").read_text(encoding="utf-8"))),
    }


def _lines(source: str) -> int:
    """How long a generated file is, without what is the same in all of them: how an image becomes an input."""
    count, skipping = 0, False
    for line in source.splitlines():
        if line[:1].strip():  # something begins at the left margin
            skipping = line.startswith(("def preprocess(", "def resize("))
        count += not skipping
    return count


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
