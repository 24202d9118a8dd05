"""The tables of docs/zoo.md and docs/mmdnn.md: how an engine last converted every recipe, read off the results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tf2torch import columns, files
from tf2torch.errors import INTERRUPTED
from tf2torch.evaluate.report import COMPARISONS
from tf2torch.job import place
from tf2torch.recipe import names
from tf2torch.zoo import overview
from tf2torch.zoo.marked import Cells, inside, markdown, parse, put

DOCUMENTS = {"native": Path("docs/zoo.md"), "mmdnn": Path("docs/mmdnn.md")}
# What a table shows of a conversion, in order; of MMdnn's, which is the yardstick, only how well it computes.
COLUMNS = {
    "native": (
        *("verdict", "parameters", "batch 1", "batch 10", "photographs"),
        *("float64", "top-1", "source lines", "remarks"),
    ),
    "mmdnn": ("verdict", "batch 1", "batch 10", "photographs", "top-1", "remarks"),
}
NOT_MEASURED = {"verdict": "not measured"}
_COMPARED = dict(zip(("batch 1", "batch 10", "photographs"), COMPARISONS, strict=True))


def show(options: argparse.Namespace) -> int:
    """Prints the table of the engine, or with --write puts those of both into the documents, and one into README.md."""
    models, output = Path(options.models_folder), Path(options.output_folder)
    known = names(models)
    if not options.write:
        print(text(options.engine, {name: cells(output / place(name, options.engine)) for name in known}))
        return 0
    tables = {}
    for engine, document in DOCUMENTS.items():
        before = parse(inside(document))
        tables[engine] = {
            name: measured(output / place(name, engine)) or before.get(name, NOT_MEASURED) for name in known
        }
        put(document, text(engine, tables[engine]))
    put(overview.DOCUMENT, overview.text(models, tables))
    return 0


def text(engine: str, rows: dict[str, Cells]) -> str:
    """A table for a document, a line for each model."""
    heads = ("model", *COLUMNS[engine])
    lines = [[name, *(found.get(column, "") for column in COLUMNS[engine])] for name, found in rows.items()]
    return markdown(heads, lines)


def measured(folder: Path) -> Cells | None:
    """What a document shows of a conversion; None if there is none with seeded weights, or if it was stopped."""
    status = files.read_json(folder / "status.json")
    if status is None or status["weights"] != "random, seed 0" or status["exit_code"] == INTERRUPTED:
        return None
    return cells(folder)


def cells(folder: Path) -> Cells:
    """How a conversion ended, by column. One that did not reach its verdict says why."""
    status = files.read_json(folder / "status.json")
    if status is None:
        return NOT_MEASURED
    if status["verdict"] is None:
        remark = f"{status['stage']}, exit code {status['exit_code']}: {_first(status['error'])}"
        return {"verdict": "fails", "remarks": remark}
    return {"verdict": status["verdict"], **_figures(folder)}


def _figures(folder: Path) -> Cells:
    """The figures of a conversion by column."""
    loaded = next(iter(files.read_json(folder / "report.json")["loaded"].values()))
    compared = loaded["comparisons"]
    most = list(compared.values())[-1]  # photographs, or the batch where there were none
    source = folder / "converted_pytorch.py"
    return {
        **{column: error(compared.get(part)) for column, part in _COMPARED.items()},
        "parameters": columns.count((loaded["trainable"] or {}).get("tensorflow") or loaded["parameters"]),
        "float64": _exact(loaded.get("float64")),
        "top-1": f"{most['same_top1']}/{most['count']}" if "count" in most else "",
        "source lines": str(_lines(source.read_text(encoding="utf-8"))),
    }


def _lines(source: str) -> int:
    """How long a generated file is, without what is the same in all of them: how an image becomes an input."""
    count, skipping = 0, False
    for line in source.splitlines():
        if line[:1].strip():  # something begins at the left margin
            skipping = line.startswith(("def preprocess(", "def resize("))
        count += not skipping
    return count


def error(compared: dict[str, Any] | None) -> str:
    """Of a comparison in report.json, with its tolerance, or what stood in the way of one."""
    if compared is None:
        return ""
    if "shape" in compared:
        return f"shape {compared['shape']}"
    if "problem" in compared:
        return _first(compared["problem"])
    return "not a number" if compared["error"] is None else f"{compared['error']:.1e} / {compared['tolerance']:.1e}"


def _exact(found: dict[str, Any] | None) -> str:
    """The worst of outputs and gradients in float64, where PROOF=1 compared them."""
    return f"{max(found['errors'].values()):.1e}" if found and found.get("errors") else ""


def _first(message: str | None) -> str:
    """The first sentence of a message, safe in a table."""
    return (message or "").splitlines()[0].split(". ")[0].replace("|", "\\|") if message else ""
