"""One family of errors. Each carries the exit code that a script can act on; `cli.main` renders them, nobody else."""

from __future__ import annotations


class Tf2TorchError(Exception):
    """What happened and where, why, and what to do next: one or two sentences for the user, never a traceback."""

    exit_code = 1


class UsageError(Tf2TorchError):
    """A wrong option, or a model that no recipe describes."""

    exit_code = 2


class InputError(Tf2TorchError):
    """Something that the user or the network had to bring is missing, truncated, or not what its checksum says."""

    exit_code = 3


class UnsupportedError(Tf2TorchError):
    """The network holds operations that the engine cannot express; `operations` are their types, where known."""

    exit_code = 4

    def __init__(self, message: str, operations: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.operations = operations


class ParityError(Tf2TorchError):
    """The conversion ran, but the result does not compute what TensorFlow computed."""

    exit_code = 5


class MachineError(Tf2TorchError):
    """The machine lacks something: an engine, a GPU that was asked for, space, a writable folder."""

    exit_code = 6


INTERRUPTED = 130
OUT_OF_MEMORY = 137
