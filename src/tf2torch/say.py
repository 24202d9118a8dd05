"""What the user reads while a command runs: short lines on stderr. Results go to stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announces a part of a stage when it begins, and how long it took when it was long."""
    start = time.perf_counter()
    line(f"  {text} ...")
    yield
    seconds = time.perf_counter() - start
    if seconds >= 2:
        line(f"  {text}: {seconds:.1f} s")
