"""The command line, one command per stage, in the words of make (build-model is build); options may be variables."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from tf2torch import catalogue, comparison, engines, errors, files, fleet, ledger, operations, options, road
from tf2torch.zoo import table

_AGAIN, _AFTER_IMPORT = 2.0, 0.1  # seconds until a wish to stop is tried again


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: the only place where an error becomes words and a number."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):  # `docker stop` is the same wish as Ctrl-C
        signal.signal(number, _interrupt)
    given = argparse.Namespace(command=None)
    try:
        _parser().parse_args(arguments, given)
        given.model = options.model(given)
        code: int = given.run(given)
    except errors.Tf2TorchError as error:
        return _fail(given, error.exit_code, str(error))
    except KeyboardInterrupt:
        message = "Stopped. What was finished is kept; the same command goes on from there."
        return _fail(given, errors.INTERRUPTED, message)
    except PermissionError as error:
        message = (
            f"User {os.getuid()} may not use {error.filename}: it belongs to another user. `make doctor` tells more."
        )
        return _fail(given, errors.MachineError.exit_code, message)
    except MemoryError:
        return _fail(given, errors.OUT_OF_MEMORY, "Out of memory. Give the container (or the machine) more.")
    except Exception as error:  # a fault of ours: the user gets one sentence, the traceback goes to a file
        return _fail(given, 1, f"Unexpected {type(error).__name__}: {error}. {_keep_traceback(given)}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return code


def mark(given: argparse.Namespace) -> int:
    """Puts on record how a container ended that could not do so itself, and returns that exit code."""
    return _fail(given, given.exit_code, given.message)


def mmdnn(given: argparse.Namespace) -> int:
    """One of MMdnn's own commands. It runs in output/, and finds files that are named from models/ or output/ too."""
    from tf2torch.engines.mmdnn import commands

    models, work, output = (folder.resolve() for folder in options.folders(given))
    raw = given.arguments[1:] if given.arguments[:1] == ["--"] else given.arguments
    arguments = [_absolute(argument, models, output) for argument in raw]
    os.chdir(output)
    return commands.run_command(arguments, part=given.part, scratch=work / "mmconvert")


def _absolute(argument: str, models: Path, output: Path) -> str:
    """An argument of a raw command with its path, if it is one, made absolute: models/x, output/x, or x in models/."""
    option, equals, value = argument.rpartition("=") if argument.startswith("--") else ("", "", argument)
    folder, slash, rest = value.partition("/")
    if slash and folder in ("models", "output"):
        value = f"{models if folder == 'models' else output}/{rest}"  # not joined: a slash at the end matters to MMdnn
    elif (models / value).is_file() and not (output / value).exists():
        value = str(models / value)
    return f"{option}{equals}{value}"


def tensorboard(given: argparse.Namespace) -> int:
    """Runs TensorBoard on what there is of a model, until it is stopped; for the engine mmdnn its own mmvismeta."""
    job = options.job(given)
    events = job.work / "tensorboard"
    address = ["--host", given.host, "--port", str(given.port)]
    if job.engine == "native":
        from tf2torch.export import board  # TensorFlow side

        board.write(job, events)
        os.execv(sys.executable, [sys.executable, "-m", "tensorboard.main", "--logdir", str(events), *address])
    from tf2torch.engines.mmdnn import commands

    graph = job.output / f"{job.name}.ckpt.meta"
    if not graph.is_file():
        command = f"make export MODEL={job.name} ENGINE=mmdnn"
        raise errors.InputError(f"There is no {graph} to show. `{command}` writes it.")
    shutil.rmtree(events, ignore_errors=True)
    with files.machine_errors(events):
        events.mkdir(parents=True)
    return commands.run_command(["mmvismeta", "--ckpt", str(graph), "--logdir", str(events), *address])


def benchmark(given: argparse.Namespace) -> int:
    """Times and memory, of one side."""
    from tf2torch.benchmark import command

    return command.run(given)


def inspect(given: argparse.Namespace) -> int:
    """What a network is, before anything is converted."""
    from tf2torch.export import inspection  # TensorFlow side

    return inspection.show(options.job(given), as_json=given.json)


def init(given: argparse.Namespace) -> int:
    """The first recipe of a model of the user's own."""
    from tf2torch.export import initial  # TensorFlow side

    return initial.show(options.job(given), force=given.force, to_stdout=given.stdout)


def weights(given: argparse.Namespace) -> int:
    """Another checkpoint onto a converted network, or its weights onto one of somebody else's."""
    from tf2torch.onto import command

    return command.run(given)


def report_all(given: argparse.Namespace) -> int:
    """The index page of all reports."""
    from tf2torch.report import index  # PyTorch side, where the templates' engine is

    return index.show(given)


def _fail(given: argparse.Namespace, code: int, message: str) -> int:
    """Prints the message, and puts a stage's failure on record beside its earlier results."""
    print(f"tf2torch: {message}", file=sys.stderr, flush=True)
    name = getattr(given, "failed_stage", given.command)
    if name in engines.NAMES or name == "fetch":
        # The first error is the one to report: there may be no recipe, or no folder to write in.
        with contextlib.suppress(errors.Tf2TorchError, OSError):
            ledger.record(options.job(given), stage_name=name, exit_code=code, error=message)
    return code


def _keep_traceback(given: argparse.Namespace) -> str:
    text = traceback.format_exc()
    path = Path(given.output_folder) / "error.log"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        return f"This is a fault of tf2torch.\n{text}"
    return "This is a fault of tf2torch; output/error.log has the details to report."


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stops, but not within an import: an exception that comes upon torch's C++ in there aborts the process.

    Where a finaliser or C++ is at work Python drops an exception, so it comes again, unless it is being heeded.
    """
    signal.setitimer(signal.ITIMER_REAL, _AGAIN)
    if number == signal.SIGALRM and _heeded(sys.exception()):
        return
    while frame:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            signal.setitimer(signal.ITIMER_REAL, _AFTER_IMPORT)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _heeded(handled: BaseException | None) -> bool:
    """Whether what is at work now puts things right after an interrupt: it is handled, or what came of handling it."""
    while handled and not isinstance(handled, KeyboardInterrupt):
        handled = handled.__context__
    return handled is not None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tf2torch", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = options.parser()

    def add(name: str, run: Callable[[argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[shared], help=help_text)
        command.set_defaults(run=run)
        return command

    def as_json(command: argparse.ArgumentParser) -> None:
        command.add_argument("--json", action="store_true", help="for programs")

    add("convert", road.convert, "the whole road, where both frameworks are installed")
    add("fetch", road.fetch, "download and check the published checkpoint")
    for name, text in (
        ("export", "TensorFlow: load the network, write its graph, its weights and what it computes"),
        ("codegen", "PyTorch: generate the source"),
        ("build", "PyTorch: build the model files"),
        ("evaluate", "PyTorch: compare with TensorFlow"),
    ):
        add(name, road.run_stage, text)
    add("report", road.show_report, "print the report and the verdict")
    add("report-all", report_all, "a page with a table of every report in output/")
    as_json(add("compare", comparison.show, "what both engines made of the model, side by side"))
    measuring = add("benchmark", benchmark, "measure times and memory of one side; pytorch comes last and prints both")
    measuring.add_argument("--side", choices=("tensorflow", "pytorch"), required=True)
    measuring.add_argument("--runs", type=int, help="of everything that is measured; by default what each thing needs")
    as_json(add("inspect", inspect, "TensorFlow: inputs, outputs, operations and parameters, before converting"))
    first = add("init", init, "TensorFlow: write the recipe of a model of your own, as far as its files tell")
    first.add_argument("source", nargs="?", default=argparse.SUPPRESS, help="a graph or a checkpoint (SOURCE=)")
    first.add_argument("--stdout", action="store_true", help="print it alone, write nothing")
    onto = add("weights", weights, "put another checkpoint onto a converted network, or its weights onto another")
    onto.add_argument("source", nargs="?", default=argparse.SUPPRESS, metavar="CHECKPOINT", help="(CHECKPOINT=)")
    onto.add_argument("--onto", default=os.environ.get("ONTO", ""), help="file.py, timm:NAME, module:factory (ONTO=)")
    onto.add_argument("--side", choices=("tensorflow", "pytorch"), help="one step of the two; by default both")
    as_json(add("ops", operations.show, "the TensorFlow operations that the engine native knows"))
    as_json(add("list", catalogue.show_list, "the models there are"))
    as_json(add("info", catalogue.show_info, "all that is known about a model"))
    zoo = add("zoo-table", table.show, "how every recipe converted, as a table")
    zoo.add_argument("--write", action="store_true", help="into the documents and README.md, instead of printing it")
    planned = add("fleet-plan", fleet.show_plan, "the models of a run, each with its memory (used by the scripts)")
    planned.add_argument("--models", default="", help="names and patterns, with commas between them")
    summing = add("fleet-summary", fleet.show_summary, "how the models of a run went (used by the scripts)")
    as_json(summing)
    summing.add_argument("results", nargs="*", metavar="MODEL=CODE:SECONDS")
    planning = add("plan", road.plan, "what would run and why, without doing it")
    planning.add_argument("--stages", nargs="+", default=list(engines.NAMES), choices=engines.NAMES)
    planning.add_argument("--runs-before", action="store_true", help="a stage before these runs")
    marking = add("mark", mark, "record how a container ended (used by the scripts)")
    marking.add_argument("failed_stage")
    marking.add_argument("exit_code", type=int)
    marking.add_argument("message")
    board = add("tensorboard", tensorboard, "show the graphs, errors and images in TensorBoard")
    board.add_argument("--host", default="0.0.0.0")  # of a container, whose port is published on 127.0.0.1
    board.add_argument("--port", type=int, default=6006)
    raw = add("mmdnn", mmdnn, "run one of MMdnn's own commands")
    raw.add_argument("--part", choices=("all", "ir", "model"), default="all")
    raw.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
