"""The report for people: report.md, and the one line that says how it went."""

from __future__ import annotations

from typing import Any

from tf2torch.evaluate import attack_report, proof_report, timing_report
from tf2torch.evaluate.proof_report import figure

SCHEMA = 2  # of report.json; raised when a reader of the old content would stumble over the new
MEASURE = (
    "Errors are relative to the largest output. What counts as equal is three times the error of TensorFlow's own",
    "float32 against its float64 on the same inputs, and never less than 1e-6.",
)
VALIDATION_SET = 50_000  # images of ILSVRC-2012, of which the published accuracy is
COMPARISONS = ("batch 1", "batch 10", "images")  # what is compared; images only where there are any


def verdict_line(result: dict[str, Any], seconds: float, where: str) -> str:
    """PASS or FAIL, and the figures behind it, in one line."""
    first = next(iter(result["loaded"].values()))
    parts = [f"{result['verdict']} {result['model']}"]
    if result["weights"] != "pretrained":
        parts.append("RANDOM WEIGHTS")
    parts.append(proof_report.parameters(first))
    row = worst(result)
    parts.append(row["problem"] if "problem" in row else f"max rel diff {figure(row['error'])}")
    parts += proof_report.cosine(first)
    if any("count" in row or "shape" in row for row in rows_of(result)):
        parts.append("top-1 " + "/".join(str(n) for n in top1(result)))
    return "  ".join([*parts, f"{seconds:.0f} s", f"-> {where}"])


def comparison_lines(result: dict[str, Any]) -> list[str]:
    """Every comparison in a line of its own, for a terminal."""
    lines = [
        (name, compared, _figures(row), row["passed"])
        for name, entry in result["loaded"].items()
        for compared, row in entry["comparisons"].items()
    ]
    for name, entry in result["loaded"].items():
        lines += [(name, *line) for line in proof_report.lines(entry)]
    if result.get("attacks"):
        lines.append((next(iter(result["loaded"])), *attack_report.line(result["attacks"])))
    name_width, compared_width = (max(len(line[column]) for line in lines) for column in (0, 1))
    return [
        f"  {name:<{name_width}}  {compared:<{compared_width}}  {figures}  {'PASS' if passed else 'FAIL'}"
        for name, compared, figures, passed in lines
    ]


def _figures(row: dict[str, Any]) -> str:
    if "problem" in row or "shape" in row:
        return str(problem(row))
    same = f"  top-1 {row['same_top1']}/{row['count']}" if "count" in row else ""
    return f"max rel diff {figure(row['error'])} (tolerance {row['tolerance']:.1e}){same}"


def problem(row: dict[str, Any]) -> str | None:
    """Why a comparison has no figures; None if it has."""
    if "shape" in row:
        return f"shape {row['shape']}, not {row['wanted_shape']}"
    return row.get("problem")


def rows_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for entry in result["loaded"].values() for row in entry["comparisons"].values()]


def worst(result: dict[str, Any]) -> dict[str, Any]:
    """The comparison that comes nearest to its tolerance, or exceeds it the most; one without a number before all."""
    return max(rows_of(result), key=proof_report.share_of_tolerance)


def top1(result: dict[str, Any]) -> tuple[int, int]:
    """On how many of the images (of the seeded inputs, if no images were given) every loaded model agrees on top-1."""
    rows = [
        entry["comparisons"].get("images") or list(entry["comparisons"].values())[-1]
        for entry in result["loaded"].values()
    ]
    return min(row.get("same_top1", 0) for row in rows), max(row.get("count", 0) for row in rows)


def markdown(result: dict[str, Any]) -> str:
    """The whole report. `result` is the content of report.json."""
    lines = [f"# {result['model']}: {result['verdict']}", ""]
    if result["weights"] != "pretrained":
        lines += [f"**The weights are random ({result['weights']}): nobody trained this network.**", ""]
    lines += [
        sides(result),
        *MEASURE,
        "",
        "| loaded from | compared on | relative error | tolerance | top-1 equal | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for name, entry in result["loaded"].items():
        lines += [_row(name, compared, row) for compared, row in entry["comparisons"].items()]
        if coarse := entry.get("tf32"):
            same = f"{coarse['same_top1']}/{coarse['count']}" if "count" in coarse else ""
            lines.append(f"| {name} | the same with TF32 | {figure(coarse['error'])} | | {same} | not judged |")
    for name, entry in result["loaded"].items():
        lines += proof_report.markdown(name, entry)
    if result.get("attacks"):
        lines += attack_report.markdown(result["attacks"])
    if result["notes"]:
        lines += ["", "What is not compared or not judged:", ""]
        lines += [f"* {note}" for note in result["notes"]]
    lines += ["", *_accuracy(result)]
    lines += timing_report.markdown(result.get("timing"))
    return "\n".join(lines).rstrip() + "\n"


def sides(result: dict[str, Any]) -> str:
    """What was compared with what, in one sentence."""
    version = f" {result['tensorflow']}" if result["tensorflow"] else ""
    return f"TensorFlow{version} against PyTorch {result['torch']} on {result['device']}, engine {result['engine']}."


def _row(name: str, compared: str, row: dict[str, Any]) -> str:
    verdict = "PASS" if row["passed"] else "FAIL"
    if "problem" in row or "shape" in row:
        return f"| {name} | {compared} | {proof_report.cell(str(problem(row)))} | | | {verdict} |"
    same = f"{row['same_top1']}/{row['count']}" if "count" in row else ""
    return f"| {name} | {compared} | {figure(row['error'])} | {row['tolerance']:.1e} | {same} | {verdict} |"


def _hits(count: int, images: int) -> str:
    """Of the whole validation set in percent, as are the published figures beside it."""
    return f"{100 * count / images:.1f} %" if images == VALIDATION_SET else str(count)


def _accuracy(result: dict[str, Any]) -> list[str]:
    entry = next(iter(result["loaded"].values()))
    accuracy = entry["accuracy"]
    if accuracy is None and "images" in entry["comparisons"]:
        return ["The outputs for the images have another shape, so accuracy was not measured."]
    if "batch 10" not in entry["comparisons"]:  # which is of classifiers alone
        return []
    if accuracy is None:
        return ["No images were given (IMAGES=folder), so accuracy was not measured."]
    lines = [f"Accuracy on {accuracy['images']} images:", "", "| | top-1 | top-5 |", "|---|---|---|"]
    for side, title in (("tensorflow", "TensorFlow"), ("pytorch", "PyTorch")):
        cells = [_hits(accuracy[side][k], accuracy["images"]) for k in ("top1", "top5")]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    if result["published_accuracy"] and result["weights"] == "pretrained":
        published = result["published_accuracy"]
        cells = ["" if published[k] is None else f"{published[k]} %" for k in ("top1", "top5")]
        lines.append(f"| published, ILSVRC-2012 validation set | {' | '.join(cells)} |")
    if result["weights"] != "pretrained":
        lines += ["", "With random weights these say nothing about the network, only that both sides agree."]
    return lines
