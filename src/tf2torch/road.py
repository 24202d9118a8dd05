"""The commands that take a model along its road: fetch, the stages, all of them at once, the plan, the report."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tf2torch import engines, errors, ledger, recipe, say, stage
from tf2torch.job import Job, place
from tf2torch.options import environment, forced
from tf2torch.options import job as job_of

SKIPPED = "unchanged"


def run_stage(options: argparse.Namespace) -> int:
    """One stage of one model, unless its last results hold. Ends with a line that says what it did."""
    job = job_of(options)
    step = engines.stages(job.engine)[options.command]
    reason = "asked for" if forced(step.name, options) else stage.stale(step, job)
    if reason is None:
        say.line(f"{step.verb} {job.name}: {SKIPPED}, skipped")
    elif step.name == "evaluate" and job.devices != "1" and (code := _on_many_devices(options, job)) is not None:
        return code
    else:
        say.line(f"{step.verb} {job.name} ({reason})")
        seconds = stage.run(step, job)
        say.line(f"{step.verb} {job.name}: done in {seconds:.1f} s")
    if step.name == "evaluate":
        return show_verdict(job)
    ledger.record(job, stage_name=step.name, exit_code=0)
    return 0


def show_verdict(job: Job) -> int:
    """Prints the verdict line of the last evaluation; exit code 0 for PASS and 5 for FAIL."""
    from tf2torch.evaluate import report

    result = ledger.report(job)
    if result is None or result.get("schema") != report.SCHEMA:
        raise errors.InputError(f"{job.name} has not been evaluated yet. `{convert_command(job)}` does it.")
    stamps = [stamp for name in engines.NAMES if (stamp := stage.read_stamp(name, job))]
    code = 0 if result["verdict"] == "PASS" else errors.ParityError.exit_code
    ledger.record(job, stage_name="evaluate", exit_code=code)
    seconds = sum(stamp["seconds"] for stamp in stamps)
    for line in report.comparison_lines(result):
        say.line(line)
    where = Path("output") / place(job.name, job.engine) / "report.md"
    print(report.verdict_line(result, seconds, where.as_posix()), flush=True)
    return code


def show_report(options: argparse.Namespace) -> int:
    """The report of the last evaluation, then its verdict."""
    job = job_of(options)
    path = job.output / "report.md"
    if path.is_file():
        print(path.read_text(encoding="utf-8"))
    return show_verdict(job)


def fetch(options: argparse.Namespace) -> int:
    """Downloads and checks the published checkpoint, where one is needed."""
    from tf2torch.zoo import fetch as fetching

    job = job_of(options)
    if job.weights == "random" or job.source or job.checkpoint:
        reason = "WEIGHTS=random" if job.weights == "random" else f"SOURCE={job.source or job.checkpoint}"
        say.line(f"Fetching {job.name}: nothing to fetch for {reason}")
        return 0
    recipe.need_network(job.recipe)
    prefix = fetching.fetch(job.recipe, job.models, offline=options.offline)
    say.line(f"Fetching {job.name}: models/{prefix.name} is there")
    return 0


def convert(options: argparse.Namespace) -> int:
    """Every stage, one after the other, where both frameworks are installed. Each in a process of its own."""
    job = job_of(options)
    fetched = () if job.weights == "random" or job.source or job.checkpoint else ("fetch",)
    for name in (*fetched, *engines.NAMES):
        code = _child(name, options)
        if code == errors.OUT_OF_MEMORY:  # it could not put that on record itself
            options.failed_stage = name
            raise MemoryError
        if code:
            return code
    return 0


def _on_many_devices(options: argparse.Namespace, job: Job) -> int | None:
    """The evaluation in as many processes as the job asks for; None if that is one, which needs no such ado."""
    from tf2torch.evaluate import distributed

    processes = distributed.count(job)
    if processes == 1:
        return None
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder, "code")
        ended = _process(distributed.command(processes), {**environment(options), **distributed.environment(code)})
        return int(code.read_text(encoding="utf-8")) if code.is_file() else ended


def _child(command: str, options: argparse.Namespace) -> int:
    """Runs a command with these options."""
    return _process([sys.executable, "-m", "tf2torch.cli", command], environment(options))


def _process(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Runs a process. Ctrl-C is handed on once, and the child waited for: it puts things right."""
    with _held() as came:  # one that comes while the child is started would leave it alone in the world
        child = subprocess.Popen(arguments, env={**os.environ, **variables}, process_group=0)
    with child as process:
        stopped = bool(came)
        if stopped:
            process.send_signal(signal.SIGINT)
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:
                if not stopped:
                    process.send_signal(signal.SIGINT)
                stopped = True
    if code < 0:
        return 128 - code
    return errors.INTERRUPTED if stopped and not code else code


@contextmanager
def _held() -> Iterator[list[int]]:
    """Keeps signals that stop a command from doing so; yields those that came."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda caught, _: came.append(caught)) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def plan(options: argparse.Namespace) -> int:
    """What the stages of this side would do. Prints a line each; a stage runs whenever one before it runs."""
    job = job_of(options)
    stages = engines.stages(job.engine)
    runs_before = options.runs_before
    for name in options.stages:
        reason = "asked for" if forced(name, options) else stage.stale(stages[name], job)
        reason = reason or ("a stage before it runs" if runs_before else None)
        runs_before = runs_before or reason is not None
        print(f"{name:<10} {'run' if reason else 'skip':<5} {reason or SKIPPED}")
    return 0


def convert_command(job: Job) -> str:
    """What the user types to convert the model with this engine."""
    engine = "" if job.output.name == job.name else f" ENGINE={job.engine}"
    return f"make convert MODEL={job.name}{engine}"
