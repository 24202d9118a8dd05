"""What stands in each section of the page, of report.json. A section whose part is missing is None."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from tf2torch.evaluate import proof_report, report
from tf2torch.job import DEFAULT_ENGINE, ENGINES
from tf2torch.report import plot

Result = dict[str, Any]  # the content of report.json
View = dict[str, Any]


def of(result: Result, other: Result | None = None) -> View:
    """Everything that the template asks for. `other`: the report of the other engine, if it ran."""
    looked_into = {name: entry for name, entry in result["loaded"].items() if entry["modules"]}
    return {
        "result": result,
        "random": result["weights"] != "pretrained",
        "tiles": tiles(result),
        "comparisons": comparisons(result),
        "first_diverging": first_diverging(result),
        "modules": [modules(name, entry["modules"]) for name, entry in looked_into.items()],
        "gradients": _parts(result, "gradients"),
        "trainable": _parts(result, "trainable"),
        "float64": _parts(result, "float64"),
        "accuracy": accuracy(result),
        "attacks": result.get("attacks"),
        "timing": timing(result.get("timing")),
        "examples": result.get("examples") or [],
        "provenance": result.get("provenance"),
        "network": result.get("network"),
        "engines": engines([result, *([other] if other else [])]),
    }


def tiles(result: Result) -> list[dict[str, Any]]:
    """The figures that matter most: `title`, `value`, `note`, and whether it is as it should be (None: no matter)."""
    first = next(iter(result["loaded"].values()))
    worst = report.worst(result)
    problem = report.problem(worst)
    found = [
        {
            "title": "largest error",
            "value": "none" if problem else proof_report.figure(worst["error"]),
            "note": problem or f"tolerance {worst['tolerance']:.1e}",
            "passed": worst["passed"],
        }
    ]
    same, count = report.top1(result)
    if count:
        found.append(_tile("same top-1", f"{same}/{count}", "of both sides", same == count))
    if part := first["modules"]:
        agreeing = sum(row["passed"] is True for row in part["rows"])
        found.append(_tile("modules", f"{agreeing}/{part['compared']}", "agree, one by one", part["passed"]))
    if part := first["gradients"]:
        cosines = [row["cosine"] for row in part["inputs"]]
        value = f"{min(cosines):.6f}" if cosines and None not in cosines else "none"
        found.append(_tile("gradient cosine", value, "of the inputs", part["passed"]))
    trainable = first["trainable"]
    note = proof_report.trainable_note(trainable) if trainable else ""
    passed = trainable["passed"] if trainable else None
    found.append(_tile("parameters", f"{first['parameters'] / 1e6:.1f} M", note, passed))
    if row := _eager(result.get("timing")):
        ratio = f"{row['ratio']:.2f} x TensorFlow's time" if row["ratio"] else "as it is, in float32"
        found.append(_tile("one image", f"{row['median_ms']:.1f} ms", ratio, None))
    return found


def _tile(title: str, value: str, note: str, passed: bool | None) -> dict[str, Any]:
    return {"title": title, "value": value, "note": note, "passed": passed}


def comparisons(result: Result) -> dict[str, list[dict[str, Any]]]:
    """The rows of each way to load the network."""
    return {
        name: [
            *({"compared": on, "problem": report.problem(row), **row} for on, row in entry["comparisons"].items()),
            *_in_tf32(entry),
        ]
        for name, entry in result["loaded"].items()
    }


def _in_tf32(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """A row that is not judged; none but of a GPU."""
    if not entry.get("tf32"):
        return []
    return [{"compared": "the same with TF32", "problem": None, "tolerance": None, "passed": None, **entry["tf32"]}]


def first_diverging(result: Result) -> dict[str, Any] | None:
    """The first module that differs in the first way of loading that has one, and what is said of it."""
    for entry in result["loaded"].values():
        row = (entry["modules"] or {}).get("first_diverging")
        if row:
            return {**row, "sentence": proof_report.whole(row)}
    return None


def modules(name: str, part: dict[str, Any]) -> View:
    """The rows in the order in which they run, with the share of the tolerance that each takes."""
    rows = [
        {
            **row,
            "place": place,
            "title": proof_report.module_title(row),
            "share": None if row["error"] is None or not row.get("tolerance") else row["error"] / row["tolerance"],
        }
        for place, row in enumerate(part["rows"], 1)
    ]
    return {
        **part,
        "loaded": name,
        "rows": rows,
        "agreeing": sum(row["passed"] is True for row in rows),
        "families": proof_report.families(part["rows"]),
        "unjudged": proof_report.unjudged(part),
        "plot": plot.errors(part["rows"]),
        "alone": part.get("by_itself") and _alone(part["by_itself"]),
    }


def _alone(part: dict[str, Any]) -> View:
    """Of BISECT=1: what is said of the modules that are wrong themselves."""
    sentences = [proof_report.whole(row) for row in part["rows"] if row["passed"] is False]
    return {"compared": part["compared"], "sentences": sentences}


def _parts(result: Result, part: str) -> list[View]:
    found = {name: entry[part] for name, entry in result["loaded"].items() if entry[part]}
    return [{"loaded": name, "unjudged": proof_report.unjudged(item), **item} for name, item in found.items()]


def accuracy(result: Result) -> View | None:
    """Of the whole folder; the published figures only beside weights that they are of."""
    found = next(iter(result["loaded"].values()))["accuracy"]
    if not found:
        return None
    published = result["published_accuracy"] if result["weights"] == "pretrained" else None
    return {**found, "published": published}


def timing(part: dict[str, Any] | None) -> View | None:
    """The rows by batch, each with how long its bar is, in percent of the slowest of the batch."""
    if not part:
        return None
    rows = sorted(part.get("rows") or [], key=lambda row: row["batch"])  # sorted is stable: the ways keep their order
    batches = [_bars(batch, list(group)) for batch, group in groupby(rows, key=lambda row: row["batch"])]
    return {**part, "batches": batches}


def _bars(batch: int, rows: list[dict[str, Any]]) -> View:
    longest = max(
        (high for row in rows for high in (row["median_ms"], *(row.get("spread_ms") or ())) if high), default=1.0
    )
    bars = []
    for row in rows:
        low, high = row.get("spread_ms") or (row["median_ms"] or 0,) * 2
        bar = {"length": (row["median_ms"] or 0) / longest, "low": low / longest, "high": high / longest}
        bars.append({**row, **{name: round(100 * share, 2) for name, share in bar.items()}})
    return {"batch": batch, "rows": bars}


def engines(results: list[Result]) -> list[View] | None:
    """A column for each engine that ran; None where it is only one."""
    if len(results) < 2:
        return None
    return [column(result) for result in sorted(results, key=lambda result: ENGINES.index(result["engine"]))]


def column(result: Result) -> View:
    """One report in figures, as the index and the comparison of the engines show it."""
    first = next(iter(result["loaded"].values()))
    worst, (same, count) = report.worst(result), report.top1(result)
    part, gradients, diverging = first["modules"], first["gradients"], first_diverging(result)
    cosines = [row["cosine"] for row in gradients["inputs"]] if gradients else []
    return {
        "model": result["model"],
        "engine": result["engine"],
        "default": result["engine"] == DEFAULT_ENGINE,
        "verdict": result["verdict"],
        "weights": result["weights"],
        "device": result["device"],
        "error": worst.get("error"),
        "tolerance": worst.get("tolerance"),
        "problem": report.problem(worst),
        "top1": f"{same}/{count}" if count else None,
        "parameters": first["parameters"],
        "modules": f"{sum(row['passed'] is True for row in part['rows'])}/{part['compared']}" if part else None,
        "cosine": min(cosines) if cosines and None not in cosines else None,
        "trainable": first["trainable"] and first["trainable"]["trainable"],
        "source_lines": result.get("source_lines"),
        "first_diverging": diverging and proof_report.module_title(diverging),
        "latency": (_eager(result.get("timing")) or {}).get("median_ms"),
    }


def _eager(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The times of the network as it is for one image."""
    rows = (part or {}).get("rows") or []
    return next((row for row in rows if row["batch"] == 1 and row["way"] == "eager" and row["median_ms"]), None)
