"""The command line, one command per stage. The same words as the Make targets; options also come as variables."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tf2torch import catalogue, errors, files, ledger, recipe, say, stage
from tf2torch.job import Job
from tf2torch.zoo import table

SKIPPED = "unchanged"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: the only place where an error becomes words and a number."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):  # `docker stop` is the same wish as Ctrl-C
        signal.signal(number, _interrupt)
    options = argparse.Namespace(command=None)
    try:
        _parser().parse_args(arguments, options)
        code: int = options.run(options)
    except errors.Tf2TorchError as error:
        return _fail(options, error.exit_code, str(error))
    except KeyboardInterrupt:
        message = "Stopped. What was finished is kept; the same command goes on from there."
        return _fail(options, errors.INTERRUPTED, message)
    except PermissionError as error:
        message = (
            f"User {os.getuid()} may not use {error.filename}: it belongs to another user. `make doctor` tells more."
        )
        return _fail(options, errors.MachineError.exit_code, message)
    except MemoryError:
        return _fail(options, errors.OUT_OF_MEMORY, "Out of memory. Give the container (or the machine) more.")
    except Exception as error:  # a fault of ours: the user gets one sentence, the traceback goes to a file
        return _fail(options, 1, f"Unexpected {type(error).__name__}: {error}. {_keep_traceback(options)}")
    return code


def run_stage(options: argparse.Namespace) -> int:
    """One stage of one model, unless its last results hold. Ends with a line that says what it did."""
    job = _job(options)
    step = stage.STAGES[options.command]
    reason = "asked for" if _forced(step.name, options) else stage.stale(step, job)
    if reason is None:
        say.line(f"{step.verb} {job.name}: {SKIPPED}, skipped")
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
        raise errors.InputError(f"{job.name} has not been evaluated yet. `make convert MODEL={job.name}` does it.")
    stamps = [stamp for name in stage.STAGES if (stamp := stage.read_stamp(name, job))]
    code = 0 if result["verdict"] == "PASS" else errors.ParityError.exit_code
    ledger.record(job, stage_name="evaluate", exit_code=code)
    seconds = sum(stamp["seconds"] for stamp in stamps)
    for line in report.comparison_lines(result):
        say.line(line)
    print(report.verdict_line(result, seconds, f"output/{job.name}/report.md"), flush=True)
    return code


def show_report(options: argparse.Namespace) -> int:
    """The report of the last evaluation, then its verdict."""
    job = _job(options)
    path = job.output / "report.md"
    if path.is_file():
        print(path.read_text(encoding="utf-8"))
    return show_verdict(job)


def fetch(options: argparse.Namespace) -> int:
    from tf2torch.zoo import fetch as fetching

    job = _job(options)
    if job.weights == "random":
        say.line(f"Fetching {job.name}: nothing to fetch for WEIGHTS=random")
        return 0
    prefix = fetching.fetch(job.recipe, job.models, offline=options.offline)
    say.line(f"Fetching {job.name}: models/{prefix.name} is there")
    return 0


def plan(options: argparse.Namespace) -> int:
    """What the stages of this side would do. Prints a line each; a stage runs whenever one before it runs."""
    job = _job(options)
    runs_before = options.runs_before
    for name in options.stages:
        reason = "asked for" if _forced(name, options) else stage.stale(stage.STAGES[name], job)
        reason = reason or ("a stage before it runs" if runs_before else None)
        runs_before = runs_before or reason is not None
        print(f"{name:<10} {'run' if reason else 'skip':<5} {reason or SKIPPED}")
    return 0


def mark(options: argparse.Namespace) -> int:
    """Puts on record how a container ended that could not do so itself, and returns that exit code."""
    return _fail(options, options.exit_code, options.message)


def mmdnn(options: argparse.Namespace) -> int:
    """One of MMdnn's own commands. It runs in output/, and finds files that are named from models/ or output/ too."""
    from tf2torch.engines.mmdnn import commands

    models, work, output = (folder.resolve() for folder in _folders(options))
    given = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    arguments = [_absolute(argument, models, output) for argument in given]
    os.chdir(output)
    return commands.run_command(arguments, part=options.part, scratch=work / "mmconvert")


def _absolute(argument: str, models: Path, output: Path) -> str:
    """An argument of a raw command with its path, if it is one, made absolute: models/x, output/x, or x in models/."""
    option, equals, value = argument.rpartition("=") if argument.startswith("--") else ("", "", argument)
    folder, slash, rest = value.partition("/")
    if slash and folder in ("models", "output"):
        value = f"{models if folder == 'models' else output}/{rest}"  # not joined: a slash at the end matters to MMdnn
    elif (models / value).is_file() and not (output / value).exists():
        value = str(models / value)
    return f"{option}{equals}{value}"


def tensorboard(options: argparse.Namespace) -> int:
    """MMdnn's mmvismeta on the exported graph: writes it as an event file and runs TensorBoard until it is stopped."""
    from tf2torch.engines.mmdnn import commands

    job = _job(options)
    events = job.work / "tensorboard"
    shutil.rmtree(events, ignore_errors=True)
    with files.machine_errors(events):
        events.mkdir(parents=True)
    graph = job.output / f"{job.name}.ckpt.meta"
    if not graph.is_file():
        raise errors.InputError(f"There is no {graph} to show. `make export MODEL={job.name}` writes it.")
    address = ["--host", options.host, "--port", str(options.port)]
    return commands.run_command(["mmvismeta", "--ckpt", str(graph), "--logdir", str(events), *address])


def _job(options: argparse.Namespace) -> Job:
    models, work, output = _folders(options)
    images = options.images and Path(options.images)
    if images and not images.is_dir():
        raise errors.InputError(f"IMAGES={images} is not a folder. It holds images and a labels.csv: filename,label.")
    return Job(
        recipe=recipe.load(models, options.model),
        engine=options.engine,
        weights=options.weights,
        seed=options.seed,
        images=images or None,
        device=options.device,
        models=models,
        work_root=work,
        output_root=output,
    )


def _folders(options: argparse.Namespace) -> tuple[Path, Path, Path]:
    return Path(options.models_folder), Path(options.work_folder), Path(options.output_folder)


def _forced(name: str, options: argparse.Namespace) -> bool:
    order = list(stage.STAGES)
    return options.force or (bool(options.start) and order.index(name) >= order.index(options.start))


def _fail(options: argparse.Namespace, code: int, message: str) -> int:
    """Prints the message, and puts a stage's failure on record beside its earlier results."""
    print(f"tf2torch: {message}", file=sys.stderr, flush=True)
    name = getattr(options, "failed_stage", options.command)
    if name in stage.STAGES or name == "fetch":
        # The first error is the one to report: there may be no recipe, or no folder to write in.
        with contextlib.suppress(errors.Tf2TorchError, OSError):
            ledger.record(_job(options), stage_name=name, exit_code=code, error=message)
    return code


def _keep_traceback(options: argparse.Namespace) -> str:
    text = traceback.format_exc()
    path = Path(options.output_folder) / "error.log"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        return f"This is a fault of tf2torch.\n{text}"
    return "This is a fault of tf2torch; output/error.log has the details to report."


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature is the system's
    """Stops, but not within an import: an exception that comes upon torch's C++ in there aborts the process."""
    while frame:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tf2torch", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = _shared_options()

    def add(name: str, run: object, help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[shared], help=help_text)
        command.set_defaults(run=run)
        return command

    add("fetch", fetch, "download and check the published checkpoint")
    for name, text in (
        ("export", "TensorFlow: build the network, write the checkpoint, the IR and the reference"),
        ("codegen", "PyTorch: generate the source"),
        ("build", "PyTorch: build the model file"),
        ("evaluate", "PyTorch: compare with TensorFlow"),
    ):
        add(name, run_stage, text)
    add("report", show_report, "print the report and the verdict")
    add("list", catalogue.show_list, "the models there are").add_argument("--json", action="store_true")
    add("info", catalogue.show_info, "all that is known about a model").add_argument("--json", action="store_true")
    add("zoo-table", table.show, "how every recipe converted, as a table").add_argument("--write", metavar="DOCUMENT")
    planning = add("plan", plan, "what would run and why, without doing it")
    planning.add_argument("--stages", nargs="+", default=list(stage.STAGES), choices=list(stage.STAGES))
    planning.add_argument("--runs-before", action="store_true", help="a stage before these runs")
    marking = add("mark", mark, "record how a container ended (used by the scripts)")
    marking.add_argument("failed_stage")
    marking.add_argument("exit_code", type=int)
    marking.add_argument("message")
    board = add("tensorboard", tensorboard, "show the exported graph in TensorBoard")
    board.add_argument("--host", default="0.0.0.0")  # of a container, whose port is published on 127.0.0.1
    board.add_argument("--port", type=int, default=6006)
    raw = add("mmdnn", mmdnn, "run one of MMdnn's own commands")
    raw.add_argument("--part", choices=("all", "ir", "model"), default="all")
    raw.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def _shared_options() -> argparse.ArgumentParser:
    """Options that every command has. Each takes its default from the variable of the same name, as make sets it."""
    parser = argparse.ArgumentParser(add_help=False)

    def option(name: str, default: str, text: str, **more: object) -> None:
        value = os.environ.get(name.upper()) or default
        choices = more.get("choices")
        if isinstance(choices, tuple) and value not in choices:  # argparse checks what is typed, not what is default
            raise errors.UsageError(f"{name.upper()}={value} is not known. It is {' or '.join(choices)}.")
        parser.add_argument(f"--{name.replace('_', '-')}", default=value, help=f"{text} ({name.upper()}=)", **more)  # type: ignore[arg-type]  # argparse's own overloads

    def flag(name: str, text: str) -> None:
        default = os.environ.get(name.upper(), "0") not in ("", "0")
        parser.add_argument(f"--{name}", action="store_true", default=default, help=f"{text} ({name.upper()}=1)")

    option("model", "inception_v3", "the model to convert")
    option("engine", "mmdnn", "which engine converts", choices=("mmdnn",))
    option("weights", "pretrained", "where the weights come from", choices=("pretrained", "random"))
    option("seed", "0", "of random weights and of the inputs to compare on", type=int)
    option("images", "", "folder with labels.csv (filename,label) to compare on")
    option("device", "auto", "of the evaluation: auto, cpu, cuda, cuda:1")
    flag("force", "run stages that are done")
    flag("offline", "download nothing")
    option("from", "", "run this stage and those after it", dest="start", choices=("", *stage.STAGES))
    option("models_folder", "models", "recipes and checkpoints")
    option("work_folder", ".cache/work", "intermediates")
    option("output_folder", "output", "products")
    return parser


if __name__ == "__main__":
    sys.exit(main())
