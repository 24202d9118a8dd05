"""Figures: a median, its spread, and what it was to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

_FORMATS = {"s": "{:.2f} s", "ms": "{:.0f} ms", "MB": "{:.0f} MB", "x": "{:.3f} x"}
HEADER = ("what", "median", "half of the runs within", "runs", "target", "")


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float | str  # a median, or what was found in words
    unit: str = ""  # a key of _FORMATS; empty for words
    spread: tuple[float, float] | None = None  # first and third quartile; None: of one run
    runs: int = 1
    target: str = ""  # in words; empty: there is none
    met: bool | None = None  # None: there is no target

    def row(self) -> tuple[str, ...]:
        """Its cells, in the order of HEADER."""
        value = self._text(self.value) if not isinstance(self.value, str) else self.value
        spread = f"{self._text(self.spread[0])} .. {self._text(self.spread[1])}" if self.spread else ""
        verdict = "" if self.met is None else "met" if self.met else "MISSED"
        return self.name, value, spread, str(self.runs), self.target, verdict

    def _text(self, number: float) -> str:
        return _FORMATS[self.unit].format(number)


def of(name: str, unit: str, samples: Sequence[float], limit: float | None = None, words: str = "") -> Figure:
    """The median of some runs. limit: what it may be at most; words: how the limit came about."""
    value = median(samples)
    spread = None
    if len(samples) > 1:
        first, _, third = quantiles(samples, n=4, method="inclusive")
        spread = (first, third)
    if limit is None:
        return Figure(name, value, unit, spread, len(samples))
    target = f"at most {_FORMATS[unit].format(limit)}{f' ({words})' if words else ''}"
    return Figure(name, value, unit, spread, len(samples), target, value <= limit)


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines for a terminal."""
    rows = [HEADER, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(title: str, figures: Sequence[Figure], remarks: Sequence[str]) -> str:
    """The figures as a document."""
    rows = [HEADER, ("---",) * len(HEADER), *(figure.row() for figure in figures)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([f"# {title}", "", *lines, "", *(f"* {remark}" for remark in remarks), ""])
