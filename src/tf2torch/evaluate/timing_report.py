"""What report.md says about speed."""

from __future__ import annotations

from typing import Any

from tf2torch.evaluate.proof_report import cell, figure

Timing = dict[str, Any]


def markdown(timing: Timing | None) -> list[str]:
    """The section; none where nothing was measured."""
    if not timing:
        return []
    if "problem" in timing:
        return ["", "## Speed", "", timing["problem"]]
    macs = f", {timing['macs'] / 1e9:.2f} G multiplications with an addition" if timing["macs"] else ""
    text = [
        "",
        "## Speed",
        "",
        f"{timing['parameters'] / 1e6:.1f} M parameters{macs} for one input.",
        f"On {timing['device']}, {timing['threads']} threads; medians with quartiles, all ways in turns.",
        "",
        "| way | batch | ms | quartiles | runs | inputs/s | of TensorFlow's time | of eager's | memory MB | error |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    text += [_row(row) for row in timing["rows"]]
    return text + ([""] + [f"* {note}" for note in timing["notes"]] if timing["notes"] else [])


def _row(row: dict[str, Any]) -> str:
    if row["median_ms"] is None:
        return f"| {row['way']} | {row['batch']} | {cell(row['problem'])} | | | | | | | |"
    low, high = row["spread_ms"]
    cells = (
        row["way"],
        row["batch"],
        f"{row['median_ms']:.3g}",
        f"{low:.3g} to {high:.3g}",
        row["count"],
        f"{row['per_second']:.3g}",
        _ratio(row["ratio"]),
        _ratio(row["eager_ratio"]),
        "" if row["memory_mb"] is None else f"{row['memory_mb']:.0f}",
        "" if row.get("error") is None else figure(row["error"]),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
