"""MMdnn's crashes, told as errors that say which step failed, at which node, and what to do next."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tf2torch.engines.mmdnn.adapter import WAY_ROUND
from tf2torch.errors import InputError, MachineError, Tf2TorchError, UnsupportedError, UsageError
from tf2torch.files import machine_errors

# What MMdnn calls the node at hand, from the surest to the vaguest.
_NODE_VARIABLES = ("current_node", "source_node", "IR_node")
# A global variable of every source that MMdnn generates.
_GENERATED = "_weights_dict"
# Where MMdnn checks what the user has asked for.
_CHECKS_OF_REQUESTS = ("mmdnn/conversion/_script/", "mmdnn/conversion/examples/extractor.py")
# Errors about files that are cut short or something else, by name: this module knows no framework.
_BAD_FILE = ("NotFoundError", "DataLossError", "OutOfRangeError", "DecodeError", "UnpicklingError", "EOFError")


@contextmanager
def told(command: str) -> Iterator[None]:
    """Turns an exception of MMdnn's into one of ours; the original is its cause."""
    try:
        with machine_errors(Path.cwd()):
            yield
    except (Tf2TorchError, MemoryError):
        raise
    except Exception as error:
        told_as = _told(command, error)
        if told_as is None:
            raise
        raise told_as from error


def _told(command: str, error: Exception) -> Tf2TorchError | None:
    """None for a crash that is no fault of MMdnn's or of its input."""
    what = f"MMdnn ({command}) failed"
    why = f"{type(error).__name__}: {error}".removesuffix(".")
    node = node_in_progress(error)
    if isinstance(error, ImportError):
        return MachineError(f"{what}: it needs something that is not installed here ({error}).")
    if isinstance(error, FileNotFoundError):
        return InputError(
            f"{what}: {error.filename or error} is missing. Check the path, or run the step that writes it."
        )
    if not any(_of_mmdnn(frame) for frame, _ in traceback.walk_tb(error.__traceback__)):
        return None
    if node is None and _by_request(error):
        return UsageError(f"{what}: {why}. `{command} --help` lists the options.")
    if node is None and _by_input(command, error):
        return InputError(f"{what}: {why}. Check its input files, and the network if it downloads.")
    return UnsupportedError(
        f"MMdnn cannot convert this network: {command} failed{f' at {node}' if node else ''} with {why}. " + WAY_ROUND
    )


def _by_request(error: Exception) -> bool:
    """Whether MMdnn has refused the command line rather than the network."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return any(place in last.filename for place in _CHECKS_OF_REQUESTS) or str(error).endswith("is not in graph")


def _by_input(command: str, error: Exception) -> bool:
    return type(error).__name__ in _BAD_FILE or isinstance(error, OSError) or command in ("mmdownload", "mmvismeta")


def node_in_progress(error: BaseException) -> str | None:
    """Operation and name of the node that MMdnn was at when it crashed, read off the innermost frame that has one."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for variable in _NODE_VARIABLES:
            node = frame.f_locals.get(variable)
            if node is not None and getattr(node, "name", None):
                found = f"{getattr(node, 'type', None) or getattr(node, 'op', '')} {node.name}".strip()
                break
        if _GENERATED in frame.f_globals and isinstance(frame.f_locals.get("name"), str):
            found = frame.f_locals["name"]  # in a constructor: self.__conv(..., name=...)
    return found


def _of_mmdnn(frame: FrameType) -> bool:
    """Whether a frame runs MMdnn's code, or code that MMdnn has generated."""
    return "mmdnn/conversion/" in frame.f_code.co_filename or _GENERATED in frame.f_globals
