"""models/sizes.csv: how large the networks of the recipes are, counted once, so that nothing need be built to know."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = "sizes.csv"
COLUMNS = ("model", "parameters", "values")


@dataclass(frozen=True, slots=True)
class Size:
    parameters: int  # elements that TensorFlow trains, of what the output needs
    values: int  # elements of all tensors that one input makes, on the way to the output


def read(models: Path) -> dict[str, Size]:
    """Sizes by model; none where there is no such file. A recipe of the user's own need not be in it."""
    path = models / FILE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["model"]: Size(int(row["parameters"]), int(row["values"])) for row in csv.DictReader(file)}


def text(found: Mapping[str, Size]) -> str:
    """What the file has to say."""
    rows = [f"{name},{size.parameters},{size.values}" for name, size in sorted(found.items())]
    return "\n".join([",".join(COLUMNS), *rows, ""])
