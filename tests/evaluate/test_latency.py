"""Which ways to run a network are timed, what of, and that this never fails an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tf2torch import files, timing
from tf2torch.evaluate import timing_report
from tf2torch.job import Job

torch = pytest.importorskip("torch")
from tests.evaluate import small_network as small  # noqa: E402  # torch may be absent
from tf2torch.evaluate import clock, latency, tf32  # noqa: E402  # torch may be absent
from tf2torch.evaluate.folding import folded  # noqa: E402  # torch may be absent
from tf2torch.evaluate.network import Network  # noqa: E402  # torch may be absent

CPU = torch.device("cpu")
WAYS = ["eager", "BN folded", "channels_last", "bf16 autocast"]


def network(module: Any) -> Network:
    return Network.of(module, CPU, small.CORRESPONDENCE)


def images(count: int = 2) -> list[Any]:
    return [np.random.default_rng(0).standard_normal((count, small.SIZE, small.SIZE, 3), np.float32)]


def their_rows(**changes: Any) -> dict[str, Any]:
    rows = [timing.row("TensorFlow", batch, [1.0]) for batch in (1, 8, 32)]
    return {"device": "CPU", "threads": 2, "busy_elsewhere": 0.0, "rows": rows, **changes}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run takes half a second by the clock, whatever it does."""

    def take(run: Callable[[], object]) -> float:
        run()
        return 0.5

    monkeypatch.setattr(clock, "seconds", lambda device: take)  # noqa: ARG005  # the signature of the real one
    monkeypatch.setattr(timing.Others, "share", lambda self: 0.0)  # noqa: ARG005  # as above


@pytest.mark.usefixtures("quick")
def test_every_way_at_every_batch_size() -> None:
    result = latency.measure(network(small.network()), images(), their_rows(), seconds=1000.0)
    assert [(row["way"], row["batch"]) for row in result["rows"]] == [
        (way, batch) for batch in (1, 8, 32) for way in ("TensorFlow", *WAYS)
    ]
    assert all(row["median_ms"] == 500.0 for row in result["rows"] if row["way"] != "TensorFlow")
    assert {row["ratio"] for row in result["rows"]} == {1.0, 0.5}
    assert {row["eager_ratio"] for row in result["rows"]} == {1.0, 2.0}
    assert [row["per_second"] for row in result["rows"]] == [
        batch * speed for batch in (1, 8, 32) for speed in (1.0, 2.0, 2.0, 2.0, 2.0)
    ]
    errors = {row["way"]: row["error"] for row in result["rows"] if row["batch"] == 1 and "error" in row}
    assert errors["eager"] is None
    assert errors["BN folded"] < 1e-5
    assert errors["channels_last"] < 1e-5
    assert 1e-5 < errors["bf16 autocast"] < 0.1
    assert result["parameters"] == sum(value.numel() for value in small.network().parameters())
    assert result["macs"] == 6 * 6 * 8 * 27 + 2 * 6 * 6 * 8 * 72 + 72 * 72 + 72 * 11
    assert result["notes"] == []
    text = "\n".join(timing_report.markdown(result))
    assert "| TensorFlow | 1 | 1e+03 | 1e+03 to 1e+03 | 1 | 1 | 1.00 | 2.00 |  |  |" in text
    assert "| eager | 8 | 500 | 500 to 500 | 30 | 16 | 0.50 | 1.00 |  |  |" in text


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (None, "TensorFlow was not timed: `make export FORCE=1` does it."),
        ({"problem": "TensorFlow was not timed: no memory"}, "TensorFlow was not timed: no memory"),
    ],
)
def test_without_tensorflow_there_is_no_ratio_to_it(theirs: Any, words: str) -> None:
    result = latency.measure(network(small.network()), images(), theirs, seconds=1000.0)
    assert result["notes"] == [words]
    assert {row["ratio"] for row in result["rows"]} == {None}
    assert f"* {words}" in timing_report.markdown(result)


def test_a_busy_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing.Others, "share", lambda self: 0.42)  # noqa: ARG005  # the signature of the real one
    result = latency.measure(network(small.network()), images(), their_rows(busy_elsewhere=0.3), batches=(1,))
    assert "30 % of the processors while TensorFlow" in result["notes"][0]
    assert "took 42 % of the processors meanwhile" in result["notes"][1]


@pytest.mark.usefixtures("quick")
def test_a_batch_that_takes_too_long_is_left_out() -> None:
    result = latency.measure(network(small.network()), images(), their_rows(), batches=(1, 256), seconds=1.0)
    assert {row["batch"] for row in result["rows"]} == {1}
    assert "batch 256: all of it would take too long here." in result["notes"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("seconds", "more"),
    [
        # With 0.5 s for one input eight take 4 s, and four runs 16 s; that may be twice what is left. Then eight have
        # taken 0.5 s, so that 32 take 2 s, and four runs 8 s.
        (45.0, {8: WAYS, 32: WAYS}),
        (20.0, {8: ["eager", "BN folded"], 32: ["eager", "BN folded"]}),
        (12.0, {8: ["eager"], 32: ["eager"]}),
        (7.0, {}),
    ],
)
def test_as_many_ways_as_there_is_time_for(seconds: float, more: dict[int, list[str]]) -> None:
    result = latency.measure(network(small.network()), images(), their_rows(), seconds=seconds)
    for batch in (8, 32):
        of_batch = [row["way"] for row in result["rows"] if row["batch"] == batch]
        assert of_batch == (["TensorFlow", *more[batch]] if batch in more else [])
        without = [way for way in WAYS if way not in more.get(batch, [])]
        note = f"batch {batch}: {', '.join(without) if batch in more else 'all of it'} would take too long here."
        assert (note in result["notes"]) == bool(without)


def test_a_way_that_was_much_slower_is_not_run_on_more() -> None:
    rows = [timing.row(way, 1, [taken]) for way, taken in (("eager", 1.0), ("a", 4.1), ("b", 3.9), ("c", 1.0))]
    ways: Any = dict.fromkeys(("eager", "a", "b", "c", "d"))
    assert list(latency._affordable(ways, rows, 2, 1e6)) == ["eager", "b", "c"]
    assert list(latency._affordable(ways, rows, 2, 10.0)) == ["eager"]
    assert latency._affordable(ways, rows, 2, 2.0) == {}
    assert latency._affordable(ways, [], 2, 1e6) == {}


class ForOne(torch.nn.Module):
    """Takes a batch of one only."""

    def forward(self, x: Any) -> Any:
        return x.reshape(1, 3 * small.SIZE * small.SIZE)


@pytest.mark.usefixtures("quick")
def test_a_network_that_takes_one_input_only() -> None:
    result = latency.measure(network(ForOne()), images())
    problems = [row for row in result["rows"] if row["median_ms"] is None]
    assert {row["batch"] for row in problems} == {8}  # which says enough of larger ones
    assert "| eager | 8 | shape '[1, 432]' is invalid" in "\n".join(timing_report.markdown(result))


def test_a_job_says_whether_to_measure(new_job: Callable[..., Job]) -> None:
    job = new_job()
    assert latency.attempt(small.network, network, images(), job) is None
    path = job.intermediate("export", "timing.json")
    path.parent.mkdir(parents=True)
    files.write_json(path, their_rows())
    result = latency.attempt(small.network, network, images(), replace(job, timing=True))
    assert result is not None
    assert result["rows"][0]["way"] == "TensorFlow"


def test_it_never_fails(new_job: Callable[..., Job]) -> None:
    def load() -> Any:
        raise ValueError("a broken file\nand where in C++")

    result = latency.attempt(load, network, images(), new_job(timing=True))
    assert result == {"problem": "PyTorch was not timed: a broken file", "rows": []}
    assert timing_report.markdown(result)[-1] == "PyTorch was not timed: a broken file"
    assert timing_report.markdown(None) == []


def test_no_folding_where_it_would_change_the_output() -> None:
    image = torch.from_numpy(images()[0].transpose(0, 3, 1, 2).copy())

    def copy_of(**changes: str) -> Any:
        return folded(small.network(changes), lambda module: module(image))

    result = copy_of()
    assert isinstance(result.stem.bn, torch.nn.Identity)
    assert result.stem.conv.bias is not None
    assert torch.allclose(result(image), small.network()(image), atol=1e-5)
    between = {"relu(self.bn(self.conv(x)))": "self.bn(relu(self.conv(x)))"}
    assert folded(small.network(between), lambda module: module(image)) is None
    beside = {"relu(self.bn(self.conv(x)))": "(lambda y: self.bn(y) + y)(self.conv(x))"}
    assert folded(small.network(beside), lambda module: module(image)) is None
    read = {"relu(self.bn(self.conv(x)))": "self.bn(self.conv(x)) * self.bn.weight[0]"}
    assert folded(small.network(read), lambda module: module(image)) is None


class FakeCuda:
    """As much of torch.cuda as the clock asks: its events are a third of a second apart."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.used = [1_000_000, 5_000_000]

    def device(self, device: object) -> Any:
        self.calls.append(f"device {device}")
        return nullcontext()

    def Event(self, enable_timing: bool) -> Any:  # noqa: N802  # as torch calls it
        assert enable_timing
        return SimpleNamespace(
            record=lambda: self.calls.append("record"),
            synchronize=lambda: self.calls.append("synchronize"),
            elapsed_time=lambda other: 1000 / 3 if other else 0,
        )

    def synchronize(self, device: object) -> None:  # noqa: ARG002  # as torch has it
        self.calls.append("wait")

    def memory_allocated(self, device: object) -> int:  # noqa: ARG002  # as torch has it
        return self.used[0]

    def reset_peak_memory_stats(self, device: object) -> None:  # noqa: ARG002  # as torch has it
        self.calls.append("reset")

    def max_memory_allocated(self, device: object) -> int:  # noqa: ARG002  # as torch has it
        return self.used[1]


def test_a_gpu_is_asked_for_the_time_and_the_memory() -> None:
    cuda, gpu = FakeCuda(), torch.device("cuda:1")
    assert clock.seconds(gpu, cuda)(lambda: cuda.calls.append("run")) == pytest.approx(1 / 3)
    assert cuda.calls == ["device cuda:1", "record", "run", "record", "synchronize"]
    cuda.calls.clear()
    module = torch.nn.Linear(1000, 1000, bias=False)
    assert clock.memory(gpu, module, lambda: cuda.calls.append("run"), cuda) == 8.0
    assert cuda.calls == ["wait", "reset", "run", "wait"]
    assert clock.seconds(CPU) is timing.wall
    assert clock.memory(CPU, module, lambda: None) is None


def test_what_a_gpu_is_timed_with_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is run: that takes the device. Nor compiled: that takes a minute."""
    monkeypatch.setattr(torch, "compile", lambda module: module)
    inputs = network(small.network()).feed(images())
    ways = latency._ways(small.network(), inputs, torch.device("cuda"), compiled=False)
    assert list(ways) == ["eager", "BN folded", "channels_last", "TF32", "fp16 autocast", "bf16 autocast"]
    compiled = latency._ways(small.network(), inputs, CPU, compiled=True)
    assert list(compiled) == ["eager", "BN folded", "channels_last", "torch.compile", "bf16 autocast"]


def test_tf32_is_on_for_once() -> None:
    def state() -> list[bool]:
        return [setting.allow_tf32 for setting in (torch.backends.cuda.matmul, torch.backends.cudnn)]

    before = state()
    with tf32.allowed():
        assert state() == [True, True]
    assert state() == before


class OnGpu:
    """A network that says that it is on a GPU."""

    device = torch.device("cuda")

    def compute(self, arrays: Any) -> Any:
        assert torch.backends.cudnn.allow_tf32
        return [arrays[0] * np.float32(1.001)]


def test_the_comparison_with_tf32_judges_nothing() -> None:
    rows = np.eye(3, dtype=np.float32)
    gpu: Any = OnGpu()
    assert tf32.compare(gpu, [rows], [rows]) == {"error": pytest.approx(1e-3, rel=1e-2), "same_top1": 3, "count": 3}
    assert tf32.compare(network(small.network()), images(), [rows]) is None  # on the CPU
    assert tf32.row(rows, rows[:1]) is None
    assert tf32.row(rows[None], rows[None] * np.float32("nan")) == {"error": None}
