"""Tables for terminals."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FIGURE = re.compile(r"-|[\d.,/e+-]+( ([kMG]B?|s))?|")


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, each column as wide as its widest cell; columns of figures stand to the right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    figures = [all(_FIGURE.fullmatch(row[column]) for row in rows) for column in range(len(header))]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, figures, strict=True)
        ).rstrip()
        for line in lines
    ]


def count(number: int) -> str:
    """A number of elements, to three digits: 61.7 k, 23.8 M."""
    power = sum(number >= 999.5 * 1000**power for power in range(3))
    return f"{number / 1000**power:.3g} {('', 'k', 'M', 'G')[power]}".rstrip() if power else str(number)
