"""How long things take, as medians with their spread. Without numpy or a framework: both sides measure with it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]  # of report.json: the figures of one way to run the network
Clock = Callable[[Callable[[], object]], float]  # runs something, and says how many seconds it took

FEWEST, MOST = 3, 30  # rounds
SLOW = 4.0  # times as long as the fastest: such a way is measured once, so that it does not eat the time of the others
TINY = 1e-3  # seconds: what is done by then is not slow, whatever it is compared with
BUSY = 0.1  # of the processors: what others may take without a word about it


def wall(run: Callable[[], object]) -> float:
    """The seconds that pass while it runs."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def interleaved(
    ways: Mapping[str, Callable[[], object]], seconds: float, clock: Clock = wall, *, warm: bool = False
) -> dict[str, list[float]]:
    """The seconds of each run of each way, in rounds, so that a change of the machine's load meets all of them.

    Each is run once beforehand, unless they are warm. As many rounds as fit into `seconds`, at least three; a way that
    is much slower than the fastest is measured once. Raises what a way raises.
    """
    began = time.perf_counter()
    for run in () if warm else ways.values():
        run()
    measured = {name: [clock(run)] for name, run in ways.items()}
    fastest = min((taken for (taken,) in measured.values()), default=0.0)
    going = [name for name, (taken,) in measured.items() if taken <= max(SLOW * fastest, TINY)]
    each = sum(measured[name][0] for name in going)
    left = seconds - (time.perf_counter() - began)
    for _ in range(max(FEWEST, min(MOST, int(left / each) if each else MOST)) - 1):
        for name in going:
            measured[name].append(clock(ways[name]))
    return measured


def row(way: str, batch: int, seconds: list[float]) -> Row:
    """The figures of one way in milliseconds: median and quartiles. One measurement is its own quartiles."""
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3
    return {
        "way": way,
        "batch": batch,
        "median_ms": _milliseconds(statistics.median(seconds)),
        "spread_ms": [_milliseconds(low), _milliseconds(high)],
        "count": len(seconds),
    }


def problem(way: str, batch: int, words: str) -> Row:
    """The row of a way that does not run."""
    return {"way": way, "batch": batch, "median_ms": None, "spread_ms": None, "count": 0, "problem": words}


def _milliseconds(seconds: float) -> float:
    return float(f"{seconds * 1000:.4g}")


class Others:
    """What share of the processors other processes take, from when it is made."""

    def __init__(self) -> None:
        self.began, self.busy, self.own = time.perf_counter(), _busy(), _own()

    def share(self) -> float | None:
        """None where the system does not say."""
        busy, passed = _busy(), time.perf_counter() - self.began
        if busy is None or self.busy is None or not passed:
            return None
        others = busy - self.busy - (_own() - self.own)
        return round(min(max(others / (passed * (os.cpu_count() or 1)), 0.0), 1.0), 3)


def _busy() -> float | None:
    """Seconds that the machine's processors have worked since it started, all of them together."""
    try:
        user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    except (OSError, ValueError, IndexError):
        return None
    return (user + nice + system + sum(rest[:3])) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    return sum(os.times()[:4])
