"""`make benchmark`: measures one side after the other, in children, and prints a table. Imports no framework."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from tf2torch import errors, files, options, say
from tf2torch.benchmark import child, figures, handwritten
from tf2torch.benchmark.figures import Figure
from tf2torch.ir import store
from tf2torch.job import Job

SCHEMA = 1
EXPORTS, CONVERSIONS, LATENCIES = 3, 5, 15  # runs of each
TENSORFLOW = "tensorflow.json"  # what that side has measured, for the other one to print
SECONDS = {"inception_v3": 3.0}  # codegen and build, at most
RATIO = 1.03  # of the latency to the hand-written network's, at most
MORE_MEMORY = 500  # MB of codegen over twice the weights, at most


def run(given: argparse.Namespace) -> int:
    """Measures one side. The PyTorch side comes last, and prints and writes the figures of both.

    Raises UsageError for a graph of the user's own, InputError where nothing has been exported yet.
    """
    given = argparse.Namespace(**{**vars(given), "engine": "native"})
    if given.source:
        raise errors.UsageError("The benchmark is of recipes: MODEL= instead of SOURCE=.")
    job = options.job(given)
    if not job.intermediate("export", store.WEIGHTS).is_file():
        raise errors.InputError(
            f"{job.name} has not been exported yet, so there is nothing to measure. "
            f"`make convert MODEL={job.name} WEIGHTS=random` does that without a download."
        )
    folder = job.work / "benchmark"
    if given.side == "tensorflow":
        (folder / TENSORFLOW).unlink(missing_ok=True)
        files.write_json(folder / TENSORFLOW, measure_exports(given, folder, given.runs or EXPORTS))
        return 0
    measured = {"export": files.read_json(folder / TENSORFLOW), **measure_pytorch(given, folder, given.runs)}
    write(job, measured)
    return 0


def measure_exports(given: argparse.Namespace, folder: Path, runs: int) -> dict[str, Any]:
    """Both engines on one checkpoint, taking turns. An engine that cannot is left out, and its reason said."""
    engines: dict[str, list[dict[str, Any]]] = {"native": [], "mmdnn": []}
    refused: dict[str, str] = {}
    with _scratch(folder) as scratch:
        prefix = scratch / "network.ckpt"
        with say.step("writing a checkpoint of the exported weights"):
            about = child.run("export", given, scratch, "checkpoint", prefix)
        for index in range(runs):
            for engine in (*engines,)[:: 1 if index % 2 else -1]:
                if engine not in refused:
                    with say.step(f"export, run {index + 1} of {runs}: {engine}"), _scratch(scratch) as target:
                        try:
                            engines[engine].append(child.run("export", given, scratch, engine, prefix, target))
                        except errors.UnsupportedError as error:
                            refused[engine] = str(error)
    return {"engines": engines, "refused": refused, "tensorflow": about["tensorflow"]}


def measure_pytorch(given: argparse.Namespace, folder: Path, runs: int | None) -> dict[str, Any]:
    """Codegen and build, each time anew, then what they have made."""
    count = runs or CONVERSIONS
    with _scratch(folder) as products:
        conversions = []
        for index in range(count):
            with say.step(f"codegen and build, run {index + 1} of {count}"):
                conversions.append(child.run("conversion", given, products, products))
        latency = child.run("latency", given, products, products, runs or LATENCIES)
        captured = child.run("capture", given, products, products)
    return {"conversion": conversions, "latency": latency, "capture": captured}


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder that is gone after the block."""
    with files.machine_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            yield Path(name)


def write(job: Job, measured: dict[str, Any]) -> None:
    """Prints the table, and writes benchmark.json with every single run, and benchmark.md."""
    rows, remarks = [*summary(job.name, measured)], notes(job.name, measured)
    about = {
        "model": job.name,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
    }
    content = {"schema": SCHEMA, **about, "figures": [asdict(row) for row in rows], "notes": remarks, "runs": measured}
    files.write_json(job.output / "benchmark.json", content)
    files.write_text(job.output / "benchmark.md", figures.markdown(f"Benchmark of {job.name}", rows, remarks))
    print(figures.table(rows), flush=True)
    for remark in remarks:
        print(remark, flush=True)


def summary(name: str, measured: dict[str, Any]) -> Iterator[Figure]:
    """The figures of both sides, in the order of the road."""
    if measured["export"]:
        yield from _of_exports(measured["export"]["engines"])
    yield from _of_conversions(measured["conversion"], SECONDS.get(name))
    compared = name in handwritten.NETWORKS
    for kind, pairs in measured["latency"]["pairs"].items():
        yield from _of_latency(kind, pairs, compared=compared)
    yield from _of_capture(measured["capture"])


def _of_exports(engines: dict[str, list[dict[str, Any]]]) -> Iterator[Figure]:
    for key, words in (("process_seconds", "whole process"), ("seconds", "without imports")):
        ours, theirs = ([run[key] for run in engines[engine]] for engine in ("native", "mmdnn"))
        if ours:
            yield figures.of(f"export, {words}", "s", ours, median(theirs) if theirs else None, "mmtoir's")
        if theirs:
            yield figures.of(f"  mmtoir, {words}", "s", theirs)


def _of_conversions(runs: list[dict[str, Any]], limit: float | None) -> Iterator[Figure]:
    yield figures.of("codegen + build, whole process", "s", [run["process_seconds"] for run in runs])
    yield figures.of("codegen + build, without imports", "s", [sum(run["seconds"].values()) for run in runs], limit)
    for part, words in (("load", "loading"), ("passes", "passes"), ("write", "source and weights"), ("build", "build")):
        yield figures.of(f"  {words}", "s", [run["seconds"][part] for run in runs])
    weights = runs[0]["weights_megabytes"]
    peaks = [run["peak_megabytes"]["codegen"] for run in runs]
    words = f"2 x {weights:.0f} MB of weights + {MORE_MEMORY} MB"
    yield figures.of("peak memory of codegen", "MB", peaks, 2 * weights + MORE_MEMORY, words)
    yield figures.of("  of the imports alone", "MB", [run["peak_megabytes"]["imports"] for run in runs])


def _of_latency(kind: str, pairs: list[tuple[float, float]], *, compared: bool) -> Iterator[Figure]:
    ours, theirs = ([1000 * seconds for seconds in column] for column in zip(*pairs, strict=True))
    yield figures.of(f"latency, {kind}", "ms", ours)
    if compared:
        yield figures.of(f"  of the hand-written network, {kind}", "ms", theirs)
        ratios = [first / second for first, second in pairs]
        yield figures.of(f"  ratio, {kind}", "x", ratios, RATIO if kind == "channels_last" else None)


def _of_capture(captured: dict[str, Any]) -> Iterator[Figure]:
    graphs, breaks = captured["compile"]["graphs"], captured["compile"]["breaks"]
    yield Figure(
        "torch.compile",
        f"{graphs} graph(s), {len(breaks)} break(s)",
        target="one graph, no break",
        met=graphs == 1 and not breaks,
    )
    exported = captured["export"]
    words = ", ".join(exported["dynamic"]) or "nothing"
    met = "batch" in exported["dynamic"] and all(row["equal"] for row in exported["checked"])
    yield Figure("torch.export, dynamic", words, target="batch, equal results", met=met)


def notes(name: str, measured: dict[str, Any]) -> list[str]:
    """What was not measured and why, and what the figures rest on."""
    result = []
    if measured["export"] is None:
        result.append("Export was not measured: `make benchmark` does that where TensorFlow is.")
    else:
        for engine, reason in measured["export"]["refused"].items():
            result.append(f"The export of the engine {engine} was not measured: {reason}")
    if name not in handwritten.NETWORKS:
        result.append(
            f"Nothing to compare the latency with: only {' and '.join(handwritten.NETWORKS)} were written by hand."
        )
    result += [f"torch.compile breaks: {reason}" for reason in measured["capture"]["compile"]["breaks"]]
    for row in measured["capture"]["export"]["checked"]:
        said = row.get("problem") or f"relative difference {row['error']:.1e}"
        result.append(f"torch.export run on {row['shape']}: {said}.")
    latency = measured["latency"]
    result.append(f"Latency on the CPU in float32, PyTorch {latency['torch']} with {latency['threads']} threads.")
    return result
