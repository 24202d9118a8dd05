"""Progress of long work on standard error: one redrawn line on a terminal, one plain line per 10 % elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Self, TextIO

QUIET = 2.0  # seconds: work shorter than this leaves no line in a log
REDRAW = 0.1  # seconds between two drawings on a terminal
HEARTBEAT = 10.0  # seconds between two log lines where the total is unknown


class Progress:
    """A context manager; call `update` as the work advances.

    total: in `unit`s, None where unknown. start: what an earlier run had done; it does not count towards the rate.
    unit: "bytes" is shown as kB, MB, GB, any other word (a plural: "images") as it is.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        start: int = 0,
        unit: str = "bytes",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label, self.total, self.start, self.done, self.unit = label, total, start, start, unit
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.clock, self.began = clock, clock()
        self.drawn = self._mark(0.0)

    def update(self, amount: int = 1) -> None:
        self.done += amount
        elapsed = self.clock() - self.began
        mark = self._mark(elapsed)
        if mark > self.drawn and (self.terminal or (elapsed >= QUIET and self.done != self.total)):
            self.drawn = mark
            self._draw(elapsed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        elapsed = self.clock() - self.began
        if kind is None and (self.terminal or elapsed >= QUIET):
            self._draw(elapsed)
        if self.terminal:
            print(file=self.stream, flush=True)

    def _mark(self, elapsed: float) -> int:
        """A line is due when this number has grown."""
        if self.terminal:
            return int(elapsed / REDRAW)
        return 10 * self.done // self.total if self.total else int(elapsed / HEARTBEAT)

    def _draw(self, elapsed: float) -> None:
        rate = (self.done - self.start) / elapsed if elapsed > 0 else 0.0
        parts = [self._amount(self.done), f"{self._amount(rate)}/s"]
        if self.total:
            parts[0] = f"{100 * self.done // self.total:3d} %, {parts[0]} of {self._amount(self.total)}"
            if rate > 0 and self.done < self.total:
                parts.append(f"{timedelta(seconds=round((self.total - self.done) / rate))} left")
        line = f"{self.label}: {', '.join(parts)}"
        if self.terminal:  # cut to the width, because a wrapped line cannot be redrawn
            line = f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K"
        print(line, end="" if self.terminal else "\n", file=self.stream, flush=True)

    def _amount(self, amount: float) -> str:
        if self.unit != "bytes":
            return f"{amount:.3g} {self.unit}" if amount < 100 else f"{amount:.0f} {self.unit}"
        power = sum(amount >= 1000**power for power in (1, 2, 3))
        return f"{amount / 1000**power:.{1 if power else 0}f} {('B', 'kB', 'MB', 'GB')[power]}"
