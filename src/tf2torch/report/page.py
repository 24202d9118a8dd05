"""report.html: one file with everything in it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tf2torch import files, ledger, say
from tf2torch.evaluate import proof_report, report
from tf2torch.job import ENGINES, Job, place
from tf2torch.report import highlight, sections, usage

PAGE = "report.html"
TEMPLATES = Path(__file__).parent / "templates"
SOURCE = "converted_pytorch.py"


def write(job: Job, products: Path, result: dict[str, Any]) -> None:
    """Writes report.html beside report.json. What goes wrong here is said, and no more: the verdict stands."""
    try:
        files.write_text(products / PAGE, of(job, result))
    except Exception as error:  # whatever it is, hours of comparing are not to be lost for a picture of them
        say.line(f"  {PAGE} was not written ({type(error).__name__}: {error}); report.json and report.md have it all.")


def refresh(job: Job) -> None:
    """Writes the page of a conversion anew, now that the other engine has come to its end, too."""
    result = read(job.output)
    if result is None:
        return
    try:
        ledger.amend(job, "evaluate", PAGE, of(job, result))
    except Exception as error:
        say.line(f"  {PAGE} of {job.engine} was not written anew ({type(error).__name__}: {error}).")


def of(job: Job, result: dict[str, Any]) -> str:
    """The page of a report, with the other engine's beside it if that has one."""
    source = job.output / SOURCE
    text = source.read_text(encoding="utf-8") if source.is_file() else ""
    others = (read(job.output_root / place(job.name, engine)) for engine in ENGINES if engine != job.engine)
    return render(_with_lines(result, text), text, next(filter(None, others), None))


def render(result: dict[str, Any], source: str, other: dict[str, Any] | None = None) -> str:
    """result, other: the content of a report.json each."""
    return template("page.html").render(
        **sections.of(result, other),
        source=source,
        loading=usage.loading(result, source),
        sides=report.sides(result),
        measure=" ".join(report.MEASURE),
    )


def read(folder: Path) -> dict[str, Any] | None:
    """The report in a folder; None if there is none that this version understands. `source_lines` is added."""
    result = files.read_json(folder / "report.json")
    if not isinstance(result, dict) or result.get("schema") != report.SCHEMA:
        return None
    source = folder / SOURCE
    return _with_lines(result, source.read_text(encoding="utf-8") if source.is_file() else "")


def _with_lines(result: dict[str, Any], source: str) -> dict[str, Any]:
    """None where there is no source."""
    return {**result, "source_lines": len(source.splitlines()) or None}


@cache
def template(name: str) -> jinja2.Template:
    """A template in which everything is escaped, and a word that is not known is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        figure=lambda value, digits=1: "0" if value == 0 else proof_report.figure(value, digits),
        python=highlight.python,
        shell=highlight.shell,
        count=lambda value: f"{value:,}",
        share=lambda value, digits=2: "none" if value is None else f"{100 * value:.{digits}f} %",
        shape=lambda sizes: " x ".join(map(str, sizes)),
        milliseconds=_milliseconds,
        large=_large,
    )
    style, script = (_text(file) for file in ("style.css", "script.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    environment.globals.update(style=Markup(style), script=Markup(script), script_hash=f"sha256-{digest}")
    return environment.get_template(name)


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"


def _large(value: float) -> str:
    """With the prefix of its size: 25.6 M."""
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f} {prefix}"
    return f"{value:.0f}"
