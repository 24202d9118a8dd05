"""Many models at once: which of them, how much memory each needs, and how all of it went.

scripts/convert_all.sh asks for the plan, runs the conversions, and hands over how each of them ended.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tf2torch import catalogue, columns, errors, files, recipe, say
from tf2torch.evaluate import report
from tf2torch.job import place
from tf2torch.zoo import sizes, table
from tf2torch.zoo.marked import Cells

NOT_STARTED = "-"
_HEADS = ("model", "verdict", "parameters", "worst error", "float64", "top-1", "time", "remarks")


@dataclass(frozen=True, slots=True)
class Ended:
    """One model of the run. `exit_code` is None where it was not started."""

    model: str
    exit_code: int | None
    seconds: int


def show_plan(options: argparse.Namespace) -> int:
    """A line for each model, `MB name`, those that need the most memory first: so they find room."""
    models = Path(options.models_folder)
    counted = sizes.read(models)
    needs = {
        name: memory(counted.get(name), options.engine) for name in chosen(models, options.models, options.weights)
    }
    for name, megabytes in sorted(needs.items(), key=lambda item: (-item[1], item[0])):
        print(megabytes, name)
    return 0


def chosen(models: Path, wanted: str, weights: str) -> list[str]:
    """The models that are meant by names and patterns with commas between them, sorted; all by default.

    By default those are left out whose graph is in a file of the user's, and, where trained weights are asked for,
    those of which nobody has published any. Raises UsageError for a name or a pattern that no recipe has.
    """
    known = recipe.names(models)
    if wanted.strip():
        patterns = [pattern for pattern in re.split(r"[,\s]+", wanted) if pattern]
        if not patterns:
            raise errors.UsageError(f"MODELS={wanted} names no model. `make list` shows those there are.")
        return sorted({name for pattern in patterns for name in _matching(known, pattern)})
    recipes = [found for name in known if (found := recipe.load(models, name)).network]  # others need a SOURCE
    if weights == "random":
        return [found.name for found in recipes]
    without = [found.name for found in recipes if not (found.weights or catalogue.on_disk(models, found.name))]
    if without:
        say.line(f"Without published weights, left out (WEIGHTS=random takes them too): {', '.join(without)}")
    return [found.name for found in recipes if found.name not in without]


def _matching(known: Sequence[str], pattern: str) -> list[str]:
    found = [name for name in known if fnmatchcase(name, pattern)]
    if not found:
        near = difflib.get_close_matches(pattern, known, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "`make list` shows the models there are."
        raise errors.UsageError(f"MODELS: no recipe models/*.toml is called {pattern!r}. {hint}")
    return found


def memory(size: sizes.Size | None, engine: str) -> int:
    """MB that a conversion takes at its peak, the float64 comparison included; measured (docs/fleet.md)."""
    if size is None:  # a recipe of the user's own
        return 4000
    # MMdnn's source has a variable for each value, so all of them live as long as ten inputs are computed.
    return round(750 + (32 * size.parameters + (50 if engine == "mmdnn" else 5) * size.values) / 1e6)


def show_summary(options: argparse.Namespace) -> int:
    """The table of a run, or with --json all of it as plain data. Returns the exit code of the whole."""
    ended = [_parse(text) for text in options.results]
    code = exit_code(ended)
    output = Path(options.output_folder)
    rows = {item.model: _cells(output, item, options.engine) for item in ended}
    if options.json:
        models = [{**asdict(item), **rows[item.model]} for item in ended]
        print(json.dumps({"exit_code": code, "models": models}, indent=2))
        return code
    lines = [[item.model, *(rows[item.model].get(head, "") for head in _HEADS[1:])] for item in ended]
    print("\n".join(columns.aligned(_HEADS, lines)))
    verdicts = [rows[item.model]["verdict"] for item in ended]
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(sorted(verdicts, reverse=True))]
    print(f"{len(ended)} models: {', '.join(counts)}")
    return code


def exit_code(ended: Sequence[Ended]) -> int:
    """5 where any result is not TensorFlow's; else the largest of the codes; 0 where all is well."""
    codes = [item.exit_code for item in ended if item.exit_code is not None]
    return errors.ParityError.exit_code if errors.ParityError.exit_code in codes else max(codes, default=0)


def _parse(text: str) -> Ended:
    """`model=exit code:seconds`, or `model=-`."""
    model, _, how = text.rpartition("=")
    if how == NOT_STARTED:
        return Ended(model, None, 0)
    code, _, seconds = how.partition(":")
    return Ended(model, int(code), int(seconds))


def _cells(output: Path, item: Ended, engine: str) -> Cells:
    """The row of a model. What is on record counts only where it is of this run, whose exit code is known."""
    if item.exit_code is None:
        return {"verdict": "not started"}
    folder = output / place(item.model, engine)
    status = files.read_json(folder / "status.json") or {}
    time = {"time": f"{item.seconds} s"}
    if item.exit_code == errors.INTERRUPTED:
        return {"verdict": "stopped", **time}
    if status.get("exit_code") != item.exit_code:
        return {"verdict": "fails", "remarks": f"exit code {item.exit_code}: {folder / 'convert.log'}", **time}
    cells = table.cells(folder)
    if cells["verdict"] != "fails":
        cells["worst error"] = table.error(report.worst(files.read_json(folder / "report.json")))
    return {**cells, **time}
