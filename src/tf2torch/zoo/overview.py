"""The table of README.md: how both engines convert the zoo, in short. It is made of the tables of the documents."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tf2torch import columns, recipe
from tf2torch.zoo import sizes
from tf2torch.zoo.marked import Cells, markdown

DOCUMENT = Path("README.md")
HEADS = ("model", "parameters", "verdict", "worst error in float64", "MMdnn 0.3.1")
FAMILY = 3  # so many sizes of one network, of which the same is to be said, share a line
_LONG = 90  # characters of a message

Tables = Mapping[str, Mapping[str, Cells]]  # by engine and model


def text(models: Path, tables: Tables) -> str:
    counted = sizes.read(models)
    rows = []
    for names in families(models, tables):
        native, mmdnn = ([tables[engine][name] for name in names] for engine in ("native", "mmdnn"))
        parameters = sorted(counted[name].parameters for name in names if name in counted)
        exact = [cells["float64"] for cells in native if "float64" in cells]
        rows.append(
            (
                names[0] if len(names) == 1 else f"{_prefix(names)}* ({len(names)})",
                " to ".join(dict.fromkeys(columns.count(number) for number in (parameters[:1] + parameters[-1:]))),
                native[0]["verdict"],
                max(exact, key=float, default=""),
                _of_mmdnn(mmdnn),
            )
        )
    return markdown(HEADS, rows)


def families(models: Path, tables: Tables) -> Iterator[Sequence[str]]:
    """The models of each line, in the order of their names."""

    def alike(name: str) -> tuple[str, ...]:
        return recipe.load(models, name).network, *(_kind(tables[engine][name]) for engine in ("native", "mmdnn"))

    for _, group in itertools.groupby(recipe.names(models), key=alike):
        names = list(group)
        if len(names) >= FAMILY and _prefix(names):
            yield names
        else:
            yield from ([name] for name in names)


def _prefix(names: Sequence[str]) -> str:
    """What all of the names begin with."""
    same = itertools.takewhile(lambda letters: letters[0] == letters[1], zip(min(names), max(names), strict=False))
    return "".join(letter for letter, _ in same)


def _kind(cells: Cells) -> str:
    """What must be the same in a line; of a failure, where it came."""
    return cells["verdict"] + (_reason(cells).split(": ")[0] if cells["verdict"] == "fails" else "")


def _of_mmdnn(found: Sequence[Cells]) -> str:
    verdict = found[0]["verdict"]
    if verdict == "fails":
        return f"fails: {_reason(found[0])}"
    if verdict == "FAIL":
        return f"wrong at {_wrong(found[0])}"
    return verdict


def _wrong(cells: Cells) -> str:
    """The first comparison that failed: how far off it is, or what stood in its way."""
    for column in ("batch 1", "batch 10", "photographs"):
        error, slash, tolerance = cells.get(column, "").partition(" / ")
        if error and not (slash and float(error) <= float(tolerance)):
            return f"{column}: {error}"
    return "the attacks"


def _reason(cells: Cells) -> str:
    """What stood in the way, without where that was said."""
    reason = cells.get("remarks", "").split("exit code ")[-1].split(": ", 1)[-1]
    reason = reason.removeprefix("MMdnn cannot convert this network: ")
    reason = re.sub(r"^(\w+) failed at \S+ with ", r"\1: ", reason)
    return reason if len(reason) <= _LONG else f"{reason[:_LONG].rsplit(' ', 1)[0]} ..."
