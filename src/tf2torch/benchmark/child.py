"""A measurement in a process of its own: `measure(job, *arguments)` of a module of this package."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from tf2torch import errors, options

_KINDS = (errors.UsageError, errors.InputError, errors.UnsupportedError, errors.ParityError, errors.MachineError)


def run(measurement: str, given: Namespace, folder: Path, *arguments: object) -> dict[str, Any]:
    """What the module `measurement` measures, and as process_seconds how long its whole process took.

    given: the options of this process, which the child's job is made of; folder: where the result is handed over.
    Raises what the child has raised, if it is an error of this package's, and MemoryError if it was killed.
    """
    result = folder / f"{measurement}.json"
    command = [sys.executable, "-m", __name__, measurement, str(result), *map(str, arguments)]
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **options.environment(given)}, check=False)
    seconds = time.perf_counter() - start
    if done.returncode in (-9, errors.OUT_OF_MEMORY):
        raise MemoryError
    if done.returncode:
        raise RuntimeError(f"the process that measures {measurement} ended with {done.returncode}, see above")
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    for kind in _KINDS:
        if found.get("exit_code") == kind.exit_code:
            raise kind(found["error"])
    return {**found, "process_seconds": seconds}


def main() -> None:
    """The child's end: MODULE RESULT ARGUMENT..."""
    measurement, result, *arguments = sys.argv[1:]
    try:
        job = options.job(options.parser().parse_args([]))
        found = importlib.import_module(f"tf2torch.benchmark.{measurement}").measure(job, *arguments)
    except errors.Tf2TorchError as error:
        found = {"error": str(error), "exit_code": error.exit_code}
    except KeyboardInterrupt:  # the parent has heard of it too, and says so
        sys.exit(errors.INTERRUPTED)
    except MemoryError:
        sys.exit(errors.OUT_OF_MEMORY)
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
