"""What the report says about modules, gradients, parameters and float64, where an engine has them compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Entry = dict[str, Any]  # of one way to load the model, in report.json
Row = dict[str, Any]

WORST = 10  # modules in the table
WHOLE = "the whole network"


def parameters(entry: Entry) -> str:
    trainable = entry["trainable"]
    if trainable is None:
        return f"{entry['parameters'] / 1e6:.1f} M parameters"
    return f"{trainable['trainable'] / 1e6:.1f} M parameters, {trainable['baked']} baked"


def trainable_note(trainable: dict[str, Any]) -> str:
    """In a few words, whether as many elements are trainable as TensorFlow trains."""
    if trainable["baked"]:
        return f"{trainable['baked']:,} baked"
    more = trainable["trainable"] - trainable["tensorflow"]
    return f"{abs(more):,} {'more' if more > 0 else 'less'} than TensorFlow trains" if more else "all trainable"


def cosine(entry: Entry) -> list[str]:
    """The figure of the gradients in the verdict line; none where they were not compared."""
    gradients = entry["gradients"]
    if gradients is None:
        return []
    cosines = [row["cosine"] for row in gradients["inputs"]]
    return [f"grad cos {_cosine(min(cosines) if cosines and None not in cosines else None)}"]


def lines(entry: Entry) -> list[tuple[str, str, bool]]:
    """Of each part what it is, its figures, and whether it passed; for a terminal."""
    result = []
    if modules := entry["modules"]:
        agreeing = sum(row["passed"] is True for row in modules["rows"])
        result.append(("modules", f"{agreeing}/{modules['compared']} agree{unjudged(modules)}", modules["passed"]))
        if first := modules["first_diverging"]:
            result.append(("", f"first diverging: {whole(first)}", False))
        if alone := modules.get("by_itself"):
            failing = [module_title(row) for row in alone["rows"] if row["passed"] is False]
            result.append(("by itself", ", ".join(failing) or f"all {alone['compared']} agree", alone["passed"]))
    if gradients := entry["gradients"]:
        result.append(("gradients", _gradients(gradients) + unjudged(gradients), gradients["passed"]))
    if trainable := entry["trainable"]:
        figures = f"{trainable['trainable']:,} trainable, TensorFlow {trainable['tensorflow']:,}"
        result.append(("parameters", figures + unjudged(trainable), trainable["passed"]))
    if exact := entry["float64"]:
        result.append(("float64", exact.get("problem") or _exact(exact), exact["passed"]))
    return result


def unjudged(part: dict[str, Any]) -> str:
    """What is to be added to a part that differs, where that is no part of the verdict."""
    return "" if part["passed"] or part.get("judged", True) else "; no part of the verdict"


def markdown(name: str, entry: Entry) -> list[str]:
    """The sections of one way to load the model; none where nothing but its outputs was compared."""
    return [
        *(_modules(name, entry["modules"]) if entry["modules"] else []),
        *(_gradient_table(name, entry["gradients"]) if entry["gradients"] else []),
        *(_parameter_table(name, entry["trainable"]) if entry["trainable"] else []),
        *(_exact_table(name, entry["float64"]) if entry["float64"] else []),
    ]


def _modules(name: str, modules: dict[str, Any]) -> list[str]:
    agreeing = sum(row["passed"] is True for row in modules["rows"])
    text = ["", f"## Modules of {name}: {agreeing} of {modules['compared']} agree{unjudged(modules)}", ""]
    if first := modules["first_diverging"]:
        text += [f"**The first that differs, in the order in which they run: {whole(first)}.**", ""]
        if "ours" in first:
            text += ["| | mean | std | min | max |", "|---|---|---|---|---|"]
            for side, title in (("theirs", "TensorFlow"), ("ours", "PyTorch")):
                figures = (figure(first[side][key], 3) for key in ("mean", "std", "min", "max"))
                text.append(f"| {title} | {' | '.join(figures)} |")
            text.append("")
    if "by_itself" in modules:
        text += _alone(modules["by_itself"])
    if modules["stopped"]:
        text += [f"The network stopped: {modules['stopped']}", ""]
    text += _family_table(modules["rows"])
    text += [
        f"The {WORST} that come nearest to their tolerance, or exceed it:",
        "",
        "| module | class | TensorFlow's tensor | relative error | tolerance | verdict |",
        "|---|---|---|---|---|---|",
    ]
    rows = sorted((row for row in modules["rows"] if row["passed"] is not None), key=share_of_tolerance, reverse=True)
    for row in rows[:WORST]:
        error = cell(row["problem"]) if "problem" in row else figure(row["error"])
        tolerance = f"{row['tolerance']:.1e}" if "tolerance" in row else ""
        cells = (module_title(row), row["class"], row.get("tensor", ""), error, tolerance, _verdict(row))
        text.append(f"| {' | '.join(cells)} |")
    return text


def _family_table(rows: Sequence[Row]) -> list[str]:
    text = [
        "| computed by | tensors | agree | relative error of the nearest to its tolerance | tolerance | module |",
        "|---|---|---|---|---|---|",
    ]
    for group in families(rows):
        worst = group["worst"]
        error = cell(worst["problem"]) if "problem" in worst else figure(worst["error"])
        tolerance = f"{worst['tolerance']:.1e}" if "tolerance" in worst else ""
        cells = (group["family"], group["compared"], group["agreeing"], error, tolerance, module_title(worst))
        text.append(f"| {' | '.join(map(str, cells))} |")
    return [*text, ""] if len(text) > 2 else []


def _alone(modules: dict[str, Any]) -> list[str]:
    """Of BISECT=1: the modules that are wrong themselves."""
    failing = [f"* {whole(row)}" for row in modules["rows"] if row["passed"] is False]
    if not failing:
        return [f"Each by itself, fed with TensorFlow's own tensors: all {modules['compared']} agree.", ""]
    return ["Each by itself, fed with TensorFlow's own tensors, these differ:", "", *failing, ""]


def _gradient_table(name: str, gradients: dict[str, Any]) -> list[str]:
    text = ["", f"## Gradients of {name}: {_verdict(gradients)}{unjudged(gradients)}", ""]
    if "problem" in gradients:
        return [*text, gradients["problem"]]
    text += [
        "Of a fixed random projection of the outputs. In float32 they are judged by their direction: where a ReLU or a",
        "maximum has a tie within rounding, both sides may choose differently.",
        "",
        "| with respect to | cosine | same sign | relative L2 | verdict |",
        "|---|---|---|---|---|",
    ]
    text += [_gradient_row(f"input {index + 1}", row) for index, row in enumerate(gradients["inputs"])]
    variables = gradients["variables"]
    shown = {row["variable"]: row for row in (variables["worst"], *variables["failing"]) if row}
    for variable, row in shown.items():
        title = variable if variable in (other["variable"] for other in variables["failing"]) else f"{variable} (worst)"
        text.append(_gradient_row(title, row))
    return [*text, "", f"{variables['compared']} variables were compared."]


def _gradient_row(title: str, row: Row) -> str:
    if "problem" in row:
        return f"| {title} | {cell(row['problem'])} | | | {_verdict(row)} |"
    sign = f"{100 * row['same_sign']:.2f} %" if "same_sign" in row else ""
    relative = figure(row["relative_l2"]) if row["relative_l2"] is not None else ""
    return f"| {title} | {_cosine(row['cosine'])} | {sign} | {relative} | {_verdict(row)} |"


def _parameter_table(name: str, trainable: dict[str, Any]) -> list[str]:
    text = [
        "",
        f"## Parameters of {name}: {_verdict(trainable)}{unjudged(trainable)}",
        "",
        "| | elements |",
        "|---|---|",
        f"| trained by TensorFlow | {trainable['tensorflow']:,} |",
        f"| trainable in PyTorch | {trainable['trainable']:,} |",
        f"| baked into the source | {trainable['baked']:,} |",
    ]
    return [*text, *(["", f"Baked: {', '.join(trainable['baked_variables'])}."] if trainable["baked"] else [])]


def _exact_table(name: str, exact: dict[str, Any]) -> list[str]:
    text = ["", f"## Float64 of {name}: {_verdict(exact)}", ""]
    if "problem" in exact:
        return [*text, exact["problem"]]
    text += ["| compared in float64 | relative error | tolerance |", "|---|---|---|"]
    tolerance = f"{exact['tolerance']:.0e}"
    return text + [f"| {part} | {figure(error)} | {tolerance} |" for part, error in exact["errors"].items()]


def _gradients(gradients: dict[str, Any]) -> str:
    if "problem" in gradients:
        return str(gradients["problem"])
    inputs = ", ".join(row.get("problem") or f"cos {_cosine(row['cosine'])}" for row in gradients["inputs"])
    worst = gradients["variables"]["worst"]
    if worst is None:
        return f"inputs {inputs}"
    figures = worst.get("problem") or f"cos {_cosine(worst['cosine'])}"
    return f"inputs {inputs}  variables {figures} ({worst['variable']})"


def _exact(exact: dict[str, Any]) -> str:
    return "  ".join(f"{part} {figure(error)}" for part, error in exact["errors"].items())


def whole(row: Row) -> str:
    """A module that differs, in one sentence: which, of which TensorFlow nodes, how much, and the likeliest cause."""
    found = row.get("problem") or f"relative error {figure(row['error'])} (tolerance {row['tolerance']:.1e})"
    ops = f"{', '.join(row['ops'])}: {', '.join(row['nodes'])}"
    hint = f". Perhaps: {row['hint']}" if "hint" in row else ""
    return f"{module_title(row)} ({ops}), {found}{hint}"


def module_title(row: Row) -> str:
    """What a module is called, with the number of its call where it has more than one."""
    path = row["path"] or "the network itself"
    return f"{path}, call {row['call']}" if row["call"] > 1 else path


def share_of_tolerance(row: Row) -> float:
    return float("inf") if row["error"] is None else float(row["error"] / row["tolerance"])


def _verdict(row: Row) -> str:
    return "PASS" if row["passed"] else "FAIL"


def _cosine(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"


def figure(value: float | None, digits: int = 1) -> str:
    return "not a number" if value is None else f"{value:.{digits}e}"


def families(rows: Sequence[Row]) -> list[Row]:
    """Of each kind of operation, and of the network as a whole, how many tensors agree and which comes nearest to its
    tolerance; those of a report that does not say the kind are left out.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row["passed"] is not None and "family" in row:
            groups.setdefault(row["family"] if row["path"] else WHOLE, []).append(row)
    if WHOLE in groups:
        groups[WHOLE] = groups.pop(WHOLE)  # comes last
    return [
        {
            "family": family,
            "compared": len(members),
            "agreeing": sum(row["passed"] for row in members),
            "worst": max(members, key=share_of_tolerance),
        }
        for family, members in groups.items()
    ]


def cell(text: str) -> str:
    """Safe in a table."""
    return text.replace("|", "\\|").replace("\n", " ")
