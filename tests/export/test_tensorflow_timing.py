"""TensorFlow's own speed, measured in another process. How fast it is does not matter here."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from typing import Any

import graphs
import pytest

from tf2torch import files, timing
from tf2torch.export import latency, sources
from tf2torch.export.normalize import Inference
from tf2torch.export.tensorflow import tf


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that takes any batch of images, beside a number of its own."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 16, 16, 3], name="images")
        scale = tf.placeholder(tf.float32, [], name="scale")
        tf.multiply(graphs.network(images), scale, name="scaled")
        return graphs.save(graph, tmp_path_factory.mktemp("timed") / "net.ckpt")


def load(source: Path, **changes: Any) -> tuple[Inference, Any]:
    job = graphs.job(source.parent, source, output_names=("scaled",), **changes)
    return sources.load(job).inference, job


def recorded(source: Path, folder: Path) -> Any:
    inference, job = load(source, timing=True)
    kept = folder / "kept"
    kept.mkdir()
    latency.record(inference, job, kept)
    assert [path.name for path in folder.iterdir()] == ["kept"]  # what was handed over is gone
    return files.read_json(kept / latency.FILE)


def test_a_row_for_each_batch_size(source: Path, tmp_path: Path) -> None:
    result = recorded(source, tmp_path)
    assert "problem" not in result, result
    assert [(row["way"], row["batch"]) for row in result["rows"]] == [("TensorFlow", batch) for batch in (1, 8, 32)]
    assert all(0 < row["spread_ms"][0] <= row["median_ms"] <= row["spread_ms"][1] for row in result["rows"])
    assert all(row["count"] >= 3 for row in result["rows"])
    assert result["device"] == "CPU"
    assert result["threads"] >= 1


def test_a_large_batch_takes_as_much_longer_at_least() -> None:
    rows = [timing.row("TensorFlow", 8, [0.5]), timing.problem("TensorFlow", 16, "no memory")]
    assert latency._expected(rows, 32) == 8.0
    assert latency._expected(rows[1:], 32) == math.inf


def test_nothing_unless_the_job_asks_for_it(source: Path, tmp_path: Path) -> None:
    latency.record(*load(source), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (subprocess.CompletedProcess([], 1, "", "Traceback\nMemoryError: too much"), "MemoryError: too much"),
        (subprocess.CompletedProcess([], -9, "", ""), "its process ended with -9"),
        (subprocess.CompletedProcess([], 0, "no figures", ""), "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_it_never_fails_an_export(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Any, words: str
) -> None:
    monkeypatch.setattr(latency.subprocess, "run", lambda *_, **__: ended)
    assert recorded(source, tmp_path) == {"problem": f"TensorFlow was not timed: {words}"}


def test_a_batch_that_the_graph_fixes_is_the_only_one(source: Path, tmp_path: Path) -> None:
    assert list(latency._batches(*load(source))) == [1, 8, 32]
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [2, 16, 16, 3], name="images")
        tf.identity(graphs.network(images), name="scaled")
        fixed = graphs.save(graph, tmp_path / "net.ckpt")
    ((size, (array,)),) = latency._batches(*load(fixed)).items()
    assert (size, array.shape) == (2, (2, 16, 16, 3))
