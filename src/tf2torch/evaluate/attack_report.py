"""What the report says about attacks."""

from __future__ import annotations

from typing import Any


def line(part: dict[str, Any]) -> tuple[str, str, bool]:
    """For a terminal: what it is, its figures, and whether it passed."""
    if "problem" in part:
        return "attacks", part["problem"], False
    figures = [f"grad cos {_cosine(part['gradient'])}", *map(_figures, part["rows"])]
    return "attacks", "  ".join(figures), part["passed"]


def _figures(row: dict[str, Any]) -> str:
    success = "/".join(f"{100 * row[side]['success']:.0f}" for side in ("tensorflow", "pytorch"))
    return f"{row['attack']} {row['epsilon']}/255 {success} %"


def markdown(part: dict[str, Any]) -> list[str]:
    """The section of report.md."""
    text = ["", f"## Attacks: {'PASS' if part['passed'] else 'FAIL'}", ""]
    if "problem" in part:
        return [*text, part["problem"]]
    text += [
        f"Each side attacks itself on {part['images']} images, from the same start; an attack succeeds if the class is",
        "another afterwards. Judged is the direction of the loss's gradient: in ten steps rounding turns many a sign.",
        f"Gradient of the loss: cosine {_cosine(part['gradient'])}.",
        "",
        "| attack | steps | epsilon | images | TensorFlow succeeds | PyTorch succeeds | same sign |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in part["rows"]:
        success = (f"{100 * row[side]['success']:.0f} %" for side in ("tensorflow", "pytorch"))
        cells = [
            row["attack"],
            row["steps"],
            f"{row['epsilon']}/255",
            row["images"],
            *success,
            f"{100 * row['same_sign']:.2f} %",
        ]
        text.append(f"| {' | '.join(map(str, cells))} |")
    return text


def _cosine(row: dict[str, Any]) -> str:
    value = row["cosine"]
    return row.get("problem") or ("none" if value is None else f"{value:.6f}")
