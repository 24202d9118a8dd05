from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from tf2torch.progress import Progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Iterator[Clock]:
    return Clock()


def run(stream: io.StringIO, clock: Clock, steps: int, seconds: float, amount: int, **options: object) -> list[str]:
    """`steps` updates of `amount`, evenly over `seconds`; the lines that were written."""
    with Progress("net", stream=stream, clock=clock, **options) as progress:  # type: ignore[arg-type]
        for _ in range(steps):
            clock.now += seconds / steps
            progress.update(amount)
    return stream.getvalue().splitlines()


def test_a_line_per_tenth(clock: Clock) -> None:
    lines = run(io.StringIO(), clock, 1000, 100.0, 1_000_000, total=1_000_000_000)
    assert len(lines) == 10
    assert lines[0] == "net:  10 %, 100.0 MB of 1.0 GB, 10.0 MB/s, 0:01:30 left"
    assert lines[-1] == "net: 100 %, 1.0 GB of 1.0 GB, 10.0 MB/s"


def test_short_work_leaves_no_line(clock: Clock) -> None:
    assert run(io.StringIO(), clock, 10, 1.9, 10, total=100) == []


def test_work_that_turns_out_longer_says_so_from_then_on(clock: Clock) -> None:
    lines = run(io.StringIO(), clock, 20, 4.0, 5, total=100)
    assert lines[0].startswith("net:  50 %, 50 B of 100 B")
    assert len(lines) == 6


@pytest.mark.parametrize(("seconds", "count"), [(1.0, 0), (5.0, 1), (30.0, 3)])
def test_unknown_total(clock: Clock, seconds: float, count: int) -> None:
    lines = run(io.StringIO(), clock, 128, seconds, 2048)
    assert len(lines) - count in (0, 1)
    assert all("%" not in line and "left" not in line for line in lines)
    if lines:
        assert lines[-1].startswith("net: 262.1 kB, ")


def test_counts(clock: Clock) -> None:
    lines = run(io.StringIO(), clock, 10, 20.0, 5, total=50, unit="images")
    assert lines[3] == "net:  40 %, 20 images of 50 images, 2.5 images/s, 0:00:12 left"


def test_what_an_earlier_run_did_counts_for_the_amount_but_not_for_the_rate(clock: Clock) -> None:
    lines = run(io.StringIO(), clock, 10, 10.0, 5, total=100, start=50, unit="images")
    assert lines[0].startswith("net:  60 %, 60 images of 100 images, 5 images/s")
    assert lines[-1] == "net: 100 %, 100 images of 100 images, 5 images/s"


def test_a_terminal_gets_one_line_redrawn_ten_times_a_second(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    run(stream, clock, 1024, 2.0, 1, total=1024)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    drawings = text.removeprefix("\r").removesuffix("\n").split("\r")
    assert 15 <= len(drawings) <= 21
    assert all(len(drawing.removesuffix("\x1b[K")) < 40 for drawing in drawings)
    assert drawings[-1].startswith("net: 100 %")


def test_nothing_done_in_no_time(clock: Clock) -> None:
    assert run(Terminal(), clock, 0, 0.0, 0, total=0) == ["", "net: 0 B, 0 B/s\x1b[K"]


@pytest.mark.parametrize(("stream", "left"), [(io.StringIO(), ""), (Terminal(), "\n")])
def test_an_error_ends_the_line_and_claims_nothing(clock: Clock, stream: io.StringIO, left: str) -> None:
    progress = Progress("net", 100, stream=stream, clock=clock)
    clock.now += 50.0
    with pytest.raises(KeyError), progress:
        raise KeyError
    assert stream.getvalue() == left
