"""Where everything stands in the drawing of the modules' errors; the template only draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

Row = dict[str, Any]  # of a module, in report.json

WIDTH, HEIGHT = 960, 330
LEFT, RIGHT, TOP, BOTTOM = 58, 944, 34, 276
LANE = 18  # of what a logarithm has no place for: zero below, not a number above
LETTER = 6.6  # about its width


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    passed: bool
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    y: float
    exponent: int


@dataclass(frozen=True, slots=True)
class Band:
    """The modules of one part of the network."""

    x: float
    width: float
    label: str  # empty where there is no room
    shaded: bool


@dataclass(frozen=True, slots=True)
class Plot:
    points: tuple[Point, ...]
    tolerance: str  # an SVG path
    ticks: tuple[Tick, ...]
    bands: tuple[Band, ...]
    first_diverging: Point | None
    zero: float | None  # where the lane of errors that are 0 is; None: there are none
    unknown: float | None  # where that of errors that are no number is


def errors(rows: Sequence[Row]) -> Plot | None:
    """Of every compared call of a module in the order in which they run; None where nothing was compared."""
    rows = [row for row in rows if row["passed"] is not None]
    if not rows:
        return None
    scale = _Scale.of(rows)
    step = (RIGHT - LEFT) / len(rows)
    points = tuple(
        Point(round(LEFT + (index + 0.5) * step, 1), scale.y(row["error"]), row["passed"], _title(row))
        for index, row in enumerate(rows)
    )
    return Plot(
        points,
        _tolerance(rows, scale, step),
        tuple(Tick(scale.y(10.0**exponent), exponent) for exponent in range(scale.low, scale.high + 1)),
        tuple(_bands(rows, step)),
        next((point for point in points if not point.passed), None),
        BOTTOM + LANE if any(row["error"] == 0 for row in rows) else None,
        TOP - LANE if any(row["error"] is None for row in rows) else None,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    low: int  # exponents of ten
    high: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Scale:
        values = [value for row in rows for value in (row["error"], row.get("tolerance")) if value]
        logarithms = [math.log10(value) for value in values] or [-6.0]
        low, high = math.floor(min(logarithms)), math.ceil(max(logarithms))
        return cls(low, max(high, low + 1))

    def y(self, error: float | None) -> float:
        if error is None:
            return TOP - LANE
        if error == 0:
            return BOTTOM + LANE
        share = (math.log10(error) - self.low) / (self.high - self.low)
        return round(BOTTOM - share * (BOTTOM - TOP), 1)


def _tolerance(rows: Sequence[Row], scale: _Scale, step: float) -> str:
    """A line of steps, one for each module that has a tolerance."""
    path, drawing = [], False
    for index, row in enumerate(rows):
        if not row.get("tolerance"):
            drawing = False
            continue
        x, y = LEFT + index * step, scale.y(row["tolerance"])
        path.append(f"{'L' if drawing else 'M'}{x:.1f} {y}H{x + step:.1f}")
        drawing = True
    return "".join(path)


def _bands(rows: Sequence[Row], step: float) -> list[Band]:
    bands, x = [], float(LEFT)
    for index, (name, group) in enumerate(groupby(_parts(rows))):
        width = len(list(group)) * step
        label = name if len(name) * LETTER < width else ""
        bands.append(Band(round(x, 1), round(width, 1), label, index % 2 == 0))
        x += width
    return bands


def _parts(rows: Sequence[Row]) -> list[str]:
    """Of which part of the network each row is: by the path, or, in a flat network, by TensorFlow's name scopes."""
    if any("." in row["path"] for row in rows):
        return [row["path"].partition(".")[0] for row in rows]
    names = [row.get("tensor", "").partition(":")[0].split("/") for row in rows]
    scopes = [[name for name, _ in groupby(parts)] for parts in names]  # InceptionV3/InceptionV3/... once
    around = next((name for name, *_ in scopes), "")
    # The outermost scope is the network's own: the next says which part.
    return [parts[1] if len(parts) > 2 and parts[0] == around else parts[0] for parts in scopes]


def _title(row: Row) -> str:
    found = row.get("problem") or ("not a number" if row["error"] is None else f"{row['error']:.1e}")
    tolerance = f", tolerance {row['tolerance']:.1e}" if row.get("tolerance") else ""
    return f"{row['path'] or 'the network itself'} ({row['class']}): {found}{tolerance}"
