"""Measurements with a clock that the test sets: nothing here waits, or depends on how fast the machine is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tf2torch import timing


class Scripted:
    """A clock that says how long each run takes: the last figure for all further runs."""

    def __init__(self, **seconds: list[float]) -> None:
        self.seconds = seconds
        self.runs: list[str] = []
        self.ways = {name: self._run(name) for name in seconds}

    def _run(self, name: str) -> Callable[[], object]:
        return lambda: self.runs.append(name)

    def __call__(self, run: Callable[[], object]) -> float:
        run()
        left = self.seconds[self.runs[-1]]
        return left.pop(0) if len(left) > 1 else left[0]


def test_ways_take_turns_after_a_warm_up() -> None:
    clock = Scripted(a=[2.0], b=[3.0])
    measured = timing.interleaved(clock.ways, 1.0, clock)
    assert measured == {"a": [2.0] * 3, "b": [3.0] * 3}
    assert clock.runs == ["a", "b"] * 4


def test_what_is_warm_needs_no_warm_up() -> None:
    clock = Scripted(a=[2.0])
    timing.interleaved(clock.ways, 1.0, clock, warm=True)
    assert clock.runs == ["a"] * 3


def test_as_many_rounds_as_fit_into_the_time() -> None:
    clock = Scripted(a=[1.0], b=[1.0])
    measured = timing.interleaved(clock.ways, 1e6, clock)
    assert [len(taken) for taken in measured.values()] == [timing.MOST] * 2


def test_a_way_that_is_much_slower_is_measured_once() -> None:
    clock = Scripted(a=[1.0], b=[4.1], c=[3.9])
    measured = timing.interleaved(clock.ways, 1.0, clock)
    assert {name: len(taken) for name, taken in measured.items()} == {"a": 3, "b": 1, "c": 3}


def test_nothing_to_measure() -> None:
    assert timing.interleaved({}, 1.0) == {}


def test_the_clock_on_the_wall() -> None:
    done: list[int] = []
    assert timing.wall(lambda: done.append(1)) >= 0
    assert done == [1]


def test_a_row_has_median_and_quartiles_in_milliseconds() -> None:
    row = timing.row("eager", 8, [0.004, 0.001, 0.002, 0.003, 0.005])
    assert row == {"way": "eager", "batch": 8, "median_ms": 3.0, "spread_ms": [2.0, 4.0], "count": 5}
    assert timing.row("eager", 1, [0.25])["spread_ms"] == [250.0, 250.0]
    assert timing.problem("x", 1, "no") == {
        "way": "x", "batch": 1, "median_ms": None, "spread_ms": None, "count": 0, "problem": "no",
    }  # fmt: skip


@pytest.mark.parametrize(("busy", "own", "share"), [(8.0, 0.0, 1.0), (2.0, 2.0, 0.0), (0.0, 1.0, 0.0)])
def test_what_others_take(monkeypatch: pytest.MonkeyPatch, busy: float, own: float, share: float) -> None:
    others = timing.Others()
    others.began, others.busy, others.own = 0.0, 0.0, 0.0
    monkeypatch.setattr(timing.time, "perf_counter", lambda: 4.0)
    monkeypatch.setattr(timing.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(timing, "_busy", lambda: busy)
    monkeypatch.setattr(timing, "_own", lambda: own)
    assert others.share() == share


def test_a_system_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    others = timing.Others()
    monkeypatch.setattr(timing, "_busy", lambda: None)
    assert others.share() is None
