"""MMdnn's steps as functions, and its six commands as they are, both with the adaptations of `adapter` in place.

`python -m tf2torch.engines.mmdnn.commands mmtoir -f tensorflow ...` is MMdnn's own `mmtoir -f tensorflow ...`.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import logging
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tf2torch.engines.mmdnn import adapter, failures
from tf2torch.errors import InputError, Tf2TorchError, UsageError
from tf2torch.files import machine_errors

if TYPE_CHECKING:
    import torch

Side = Literal["tensorflow", "pytorch"]
Part = Literal["all", "ir", "model"]

# MMdnn's console scripts, and where they run. mmconvert needs both sides, one after the other.
COMMANDS: Mapping[str, tuple[Side, ...]] = {
    "mmdownload": ("tensorflow",),
    "mmtoir": ("tensorflow",),
    "mmtocode": ("pytorch",),
    "mmtomodel": ("pytorch",),
    "mmconvert": ("tensorflow", "pytorch"),
    "mmvismeta": ("tensorflow",),
}

_log = logging.getLogger(__name__)


def to_ir(meta: Path, checkpoint: Path, output: str, destination: Path) -> None:
    """Writes <destination>.json, .pb and .npy from a meta graph and its checkpoint: mmtoir. Needs TensorFlow.

    `output` is the name of the node whose value is the result; `destination` has no suffix.
    """
    with _quietly("mmtoir"), adapter.adapted(tensorflow=True):
        _check_checkpoint(checkpoint)
        _check_output(meta, output)
        from mmdnn.conversion.tensorflow.tensorflow_parser import TensorflowParser

        TensorflowParser(str(meta), str(checkpoint), [output]).run(str(destination))


def to_code(ir: Path, source: Path, weights: Path) -> None:
    """Writes the PyTorch source and its weights (.npy) from <ir>.pb and <ir>.npy: mmtocode. Needs no framework."""
    with _quietly("mmtocode"), adapter.adapted():
        from mmdnn.conversion.pytorch.pytorch_emitter import PytorchEmitter

        PytorchEmitter((f"{ir}.pb", f"{ir}.npy")).run(str(source), str(weights), "test")


def to_model(source: Path, weights: Path, model: Path) -> None:
    """Writes the model file (.pth) from the source and its weights: mmtomodel. Needs torch."""
    # Renamed from a folder beside it, not from another name: torch writes the file's name into the file.
    with machine_errors(model), tempfile.TemporaryDirectory(dir=model.parent, prefix=".mmtomodel-") as folder:
        temporary = Path(folder, model.name)
        with _quietly("mmtomodel"), adapter.adapted():
            from mmdnn.conversion._script.dump_code import dump_code

            dump_code("pytorch", str(source), str(weights), str(temporary), dump_tag=None)
        temporary.replace(model)


def load_model(model: Path, source: Path) -> torch.nn.Module:
    """The network in a .pth of MMdnn's, whose class is in the source beside it; on the CPU, for evaluation."""
    with failures.told("torch.load"):
        import torch

        adapter.load_source(adapter.MAIN_MODEL, source)
        try:
            # weights_only would refuse the class, which is the point of this file: trust it like the source.
            network: torch.nn.Module = torch.load(model, map_location="cpu", weights_only=False)
        except (RuntimeError, EOFError, AttributeError, pickle.UnpicklingError) as error:
            raise InputError(
                f"{model} is cut short, or was not made from {source}. Make it again (mmtomodel)."
            ) from error
        return network.eval()


def load_kit_model(source: Path, weights: Path) -> torch.nn.Module:
    """The network that the source builds from its .npy: KitModel(weights); on the CPU, for evaluation."""
    with failures.told("KitModel"):
        network: torch.nn.Module = adapter.load_source(adapter.MAIN_MODEL, source).KitModel(str(weights))
        return network.eval()


def run_command(argv: list[str], part: Part = "all", scratch: Path | None = None) -> int:
    """Runs a command line of MMdnn's as its own console script would, and returns its exit code.

    mmconvert needs both frameworks in one process. Where they are apart, its `part` "ir" runs where TensorFlow is and
    leaves its intermediates in the folder `scratch`, then "model" runs where torch is, and removes them.
    """
    command = argv[0] if argv else ""
    if command not in COMMANDS:
        near = difflib.get_close_matches(command, COMMANDS, n=3, cutoff=0.5) or list(COMMANDS)
        raise UsageError(f"MMdnn has no command {command!r}. Did you mean {' or '.join(near)}?")
    if part != "all" and (command != "mmconvert" or scratch is None):
        raise UsageError(f"{command} has no part {part!r}: only mmconvert runs in halves, by way of a scratch folder.")
    needs_tensorflow = "tensorflow" in COMMANDS[command] and part != "model"
    with _arguments(argv), failures.told(command), adapter.adapted(tensorflow=needs_tensorflow):
        if needs_tensorflow:
            from tf2torch.engines.mmdnn import tensorflow_1

            tensorflow_1.behave()
        try:
            if scratch is None or part == "all":
                return _exit_code(_console_script(command)())
            return _convert_half(argv[1:], part, scratch)
        except SystemExit as end:
            return _exit_code(end.code)


def _convert_half(arguments: list[str], part: Part, scratch: Path) -> int:
    """One half of what MMdnn's mmconvert does, out of its own functions; only the name of the intermediates is ours."""
    from mmdnn.conversion._script import IRToCode, convert, convertToIR, dump_code

    scratch.mkdir(parents=True, exist_ok=True)
    stem = str(scratch / f"mmconvert-{hashlib.sha256(repr(arguments).encode()).hexdigest()[:16]}")
    options, others = convert._get_parser().parse_known_args(arguments)
    if options.dstFramework == "coreml":
        raise UsageError("mmconvert to coreml does not run in halves; neither image holds what it needs.")
    ir_options, others = convert._extract_ir_args(options, others, stem)
    if part == "ir":
        return int(convertToIR._convert(ir_options))
    try:
        if not Path(f"{stem}.pb").is_file():
            raise InputError(f"The first half of this mmconvert has left nothing in {scratch}. Run it first.")
        network = convert.get_network_filename(options.dstFramework, stem, options.outputModel)
        code_options, _ = convert._extract_code_args(options, others, stem, network)
        code = int(IRToCode._convert(code_options))
        if code == 0:
            dump_code.dump_code(
                options.dstFramework, f"{network}.py", f"{stem}.npy", options.outputModel, options.dump_tag
            )
        return code
    finally:
        # Also after a failure: mmtocode has rewritten the weights in place, and would spoil them the second time.
        convert.remove_temp_files(stem)


def _console_script(command: str) -> Callable[[], object]:
    (script,) = metadata.distribution("mmdnn").entry_points.select(group="console_scripts", name=command)
    main: Callable[[], object] = script.load()
    return main


def _exit_code(result: object) -> int:
    """What the shell sees of sys.exit(result)."""
    if result is None or isinstance(result, int):
        return result or 0
    print(result, file=sys.stderr)
    return 1


@contextmanager
def _arguments(argv: list[str]) -> Iterator[None]:
    """The command line that MMdnn's argument parsers read; sys.path too, which mmtomodel extends, comes back."""
    before, path = sys.argv, sys.path.copy()
    sys.argv = list(argv)
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before, path


@contextmanager
def _quietly(command: str) -> Iterator[None]:
    """Inside the block, what MMdnn says on stdout goes to the log, and its crashes become errors of ours."""
    with _arguments([command]), failures.told(command), redirect_stdout(_LogLines()):
        yield


class _LogLines(io.TextIOBase):
    """A stream whose lines go to the log."""

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line.strip():
                _log.debug("%s", line)
        return len(text)


def _check_checkpoint(checkpoint: Path) -> None:
    """Raises InputError if there is no checkpoint of that name, in today's format (.index, .data) or the one before."""
    if not (checkpoint.is_file() or checkpoint.with_name(f"{checkpoint.name}.index").is_file()):
        raise InputError(f"There is no checkpoint {checkpoint} (.index and .data). `make fetch` downloads one.")


def _check_output(meta: Path, output: str) -> None:
    """Raises UsageError with the nearest names if the graph has no such node, InputError if it is no graph."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

    try:
        graph = MetaGraphDef.FromString(meta.read_bytes()).graph_def
    except DecodeError as error:
        raise InputError(f"{meta} is no TensorFlow meta graph, or is cut short. Save or download it again.") from error
    names = [node.name for node in graph.node]
    if output not in names:
        near = difflib.get_close_matches(output, names, n=3, cutoff=0.5) or names[-3:]
        raise UsageError(f"{meta} has no node {output!r}. Did you mean {', '.join(near)}?")


def main() -> int:
    """The command line of this module: one of MMdnn's commands and its arguments."""
    try:
        return run_command(sys.argv[1:])
    except Tf2TorchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
