"""The event files, read back as TensorBoard reads them. TensorFlow is not imported."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tf2torch import bundle, files
from tf2torch.bundle import Reference
from tf2torch.errors import InputError
from tf2torch.job import Job

pytest.importorskip("tensorboard")
from tensorboard.compat.proto.event_pb2 import Event  # it may be absent
from tensorboard.compat.proto.graph_pb2 import GraphDef  # it may be absent

from tf2torch.export import board  # tensorboard may be absent

NODES = [
    {"name": "input_1", "op": "Input", "inputs": [], "shapes": [[2, 3, 4, 4]]},
    {"name": "stem/split", "op": "split", "inputs": ["input_1:0"], "shapes": [[2, 1, 4, 4], [2, 2, 4, 4]]},
    {"name": "stem/relu", "op": "relu", "inputs": ["stem/split:1"], "shapes": [[2, 2, 4, 4]]},
]
ERRORS = [
    {"module": "stem", "error": 2e-7, "tolerance": 1e-6, "counts": [8, 2]},
    {"module": "", "error": 0.5, "tolerance": 1e-6, "counts": [0, 10]},
]


def events(folder: Path) -> Iterator[Any]:
    """The records of the one file in a folder: length, checksum, data, checksum."""
    (path,) = folder.iterdir()
    data = path.read_bytes()
    place = 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        yield Event.FromString(data[place + 12 : place + 12 + length])
        place += length + 16


@pytest.fixture
def job(new_job: Callable[..., Job]) -> Job:
    """After an export of one node and an evaluation."""
    job = new_job(engine="native")
    for stage in ("export", "evaluate"):
        (job.work / stage).mkdir(parents=True)
    definition = GraphDef()
    definition.node.add(name="x", op="Placeholder")
    job.intermediate("export", board.GRAPH).write_bytes(definition.SerializeToString())
    inputs = np.random.default_rng(0).standard_normal((2, 8, 8, 3), np.float32)
    none = np.zeros((0, 5), np.float32)
    reference = Reference(inputs, none, none, none, (), (), {}, "2.21.0")
    bundle.save(reference, job.intermediate("export", "reference.safetensors"))
    content = {"graph": NODES, "edges": [-12, -6, 1], "errors": ERRORS}
    files.write_json(job.intermediate("evaluate", "board.json"), content)
    return job


def values(folder: Path) -> dict[tuple[str, int], Any]:
    return {(value.tag, event.step): value for event in events(folder) for value in event.summary.value}


def test_the_graphs_of_both_sides(job: Job, tmp_path: Path) -> None:
    board.write(job, tmp_path / "events")
    first, second = events(tmp_path / "events/tensorflow")
    assert first.file_version == "brain.Event:2"
    assert [node.name for node in GraphDef.FromString(second.graph_def).node] == ["x"]
    (graph,) = (event.graph_def for event in events(tmp_path / "events/pytorch") if event.graph_def)
    nodes = GraphDef.FromString(graph).node
    assert [(node.name, node.op, list(node.input)) for node in nodes] == [
        ("input_1", "Input", []),
        ("stem/split", "split", ["input_1"]),
        ("stem/relu", "relu", ["stem/split:1"]),
    ]
    shapes = nodes[1].attr["_output_shapes"].list.shape
    assert [[dim.size for dim in shape.dim] for shape in shapes] == NODES[1]["shapes"]


def test_the_errors_of_the_modules(job: Job, tmp_path: Path) -> None:
    board.write(job, tmp_path / "events")
    found = values(tmp_path / "events/pytorch")
    assert [found["modules/relative error", step].simple_value for step in (0, 1)] == pytest.approx([2e-7, 0.5])
    assert found["modules/tolerance", 1].simple_value == pytest.approx(1e-6)
    histogram = found["modules/log10 of the relative errors", 0].histo
    assert (list(histogram.bucket), list(histogram.bucket_limit)) == ([8, 2], [-6, 1])
    assert (histogram.num, histogram.sum) == (10, 8 * -9 + 2 * -2.5)
    (table,) = found["modules", 0].tensor.string_val
    assert "| 1 | the network itself | 5.0e-01 | 1.0e-06 |" in table.decode()


def test_the_images_of_the_user_or_seeded_ones(job: Job, tmp_path: Path) -> None:
    board.write(job, tmp_path / "events")
    seeded = {tag for tag, _ in values(tmp_path / "events/pytorch") if tag.startswith("images/")}
    assert seeded == {"images/seeded 1", "images/seeded 2"}
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (600, 300), "red").save(folder / "wide.png")
    (folder / "labels.csv").write_text("filename,label\nwide.png,3\n")
    board.write(replace(job, images=folder), tmp_path / "events")  # what was there before is gone
    found = {tag: value for (tag, _), value in values(tmp_path / "events/pytorch").items() if tag.startswith("images/")}
    assert list(found) == ["images/wide.png"]
    shown = found["images/wide.png"].image
    assert (shown.width, shown.height) == (256, 128)


def test_before_the_evaluation_there_are_images(job: Job, tmp_path: Path) -> None:
    job.intermediate("evaluate", "board.json").unlink()
    board.write(job, tmp_path / "events")
    assert {tag for tag, _ in values(tmp_path / "events/pytorch")} == {"images/seeded 1", "images/seeded 2"}


def test_nothing_to_show(new_job: Callable[..., Job], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make export MODEL=net"):
        board.write(new_job(engine="native"), tmp_path / "events")


@pytest.mark.usefixtures("workplace")
def test_the_command_starts_tensorboard(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    from tf2torch import cli

    def start(path: str, arguments: list[str]) -> None:
        raise SystemExit([path, *arguments])

    monkeypatch.setattr(cli.os, "execv", start)
    monkeypatch.setenv("ENGINE", "native")
    with pytest.raises(SystemExit) as end:
        cli.main(["tensorboard", "--work-folder", str(job.work_root), "--port", "1234"])
    events = job.work / "tensorboard"
    wanted = ["tensorboard.main", "--logdir", str(events), "--host", "0.0.0.0", "--port", "1234"]
    assert end.value.args[0][3:] == wanted
    assert sorted(path.name for path in events.iterdir()) == ["pytorch", "tensorflow"]
