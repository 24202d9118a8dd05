"""The images of an evaluation, shared out among two processes: what comes of it is what one process makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tf2torch
from tf2torch import bundle, files, images
from tf2torch.bundle import Reference
from tf2torch.errors import InputError, MachineError, UsageError
from tf2torch.ir import correspondence, store
from tf2torch.ir.types import Graph, Node, Param, Ref, TensorType, Value
from tf2torch.job import Job

torch = pytest.importorskip("torch")
from tests.evaluate import small_network as small  # noqa: E402  # torch may be absent
from tf2torch.evaluate import distributed, sharing  # noqa: E402  # torch may be absent

COUNT = 33  # images: three batches and three more, so that the shares differ
RECIPE = 'network = "net"\nclasses = 11\ninput_size = 12\npreprocessing = "inception"\noutput = "net/logits"\n'


def write_images(folder: Path) -> None:
    folder.mkdir()
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (small.SIZE, small.SIZE, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    lines = [f"{number}.png,{number % 12}" for number in range(COUNT)]
    (folder / "labels.csv").write_text("\n".join(["filename,label", *lines]))


def computed(inputs: Any) -> Any:
    with torch.inference_mode():
        return small.network()(torch.from_numpy(inputs.transpose(0, 3, 1, 2).copy())).numpy()


def reference(job: Job) -> Reference:
    assert job.images is not None
    items = images.labelled(job.images)
    inputs = np.random.default_rng(0).standard_normal((10, small.SIZE, small.SIZE, 3), np.float32)
    outputs = computed(inputs)
    return Reference(
        inputs=inputs,
        outputs=outputs,
        single=outputs[:1],
        image_outputs=computed(images.batch(items, job.recipe)),
        image_names=tuple(item.path.name for item in items),
        labels=tuple(item.label for item in items),
        float32_errors={"batch 1": 1e-7, "batch 10": 1e-7, "images": 1e-7},
        tensorflow="2.21.0",
    )


def write_graph(folder: Path) -> None:
    """No more than params and names of nodes, which is what the evaluation reads of it."""
    weights, params = {}, {}
    for key, parameter in small.PARAMETERS.items():
        name = parameter.ref.tensor
        weights[name] = parameter.ref.view.inverse().apply(small.state()[key]).contiguous().numpy()
        params[Value(name, TensorType("float32", weights[name].shape), Ref(name))] = Param(Ref(name), parameter.kind)
    nodes = tuple(Node(op, (), (), origin=(name,)) for name, op in small.OPS.items())
    store.save(Graph((), (), nodes, params), weights, folder)


@pytest.fixture
def job(new_job: Callable[..., Job], tmp_path: Path) -> Job:
    """A conversion that is finished but for its evaluation."""
    write_images(tmp_path / "images")
    job = new_job(engine="native", input_size=small.SIZE, classes=11, images=tmp_path / "images")
    (job.models / "net.toml").write_text(RECIPE)
    for folder in (job.output, job.work / "export", job.work / "codegen"):
        folder.mkdir(parents=True)
    small.write(job.output)
    (tmp_path / f"{type(small.network()).__module__}.py").write_text(small.SOURCE)  # where the pickle looks for it
    write_graph(job.work / "export")
    bundle.save(reference(job), job.intermediate("export", "reference.safetensors"), small.record())
    correspondence.save(small.CORRESPONDENCE, job.intermediate("codegen", "correspondence.json"))
    return job


def evaluate(job: Job, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    path = os.pathsep.join((str(Path(tf2torch.__file__).parents[1]), str(job.output_root.parent)))
    said = {"MODEL": "net", "ENGINE": "native", "WEIGHTS": "pretrained", "IMAGES": str(job.images), "DEVICE": "cpu"}
    folders = {"MODELS_FOLDER": job.models, "WORK_FOLDER": job.work_root, "OUTPUT_FOLDER": job.output_root}
    quick = {"TIMING": "0", "FORCE": "1", "OMP_NUM_THREADS": "1"}  # other threads would round in another order
    environment = {**said, **{name: str(path) for name, path in folders.items()}, **quick, **variables}
    return subprocess.run(
        [sys.executable, "-m", "tf2torch.cli", "evaluate"],
        env={**os.environ, **environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_two_processes_give_what_one_gives(job: Job) -> None:
    results = []
    for devices in ("1", "2"):
        done = evaluate(job, DEVICES=devices)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("PASS net")
        assert done.stdout.count("\n") == 1  # the verdict, once
        results.append(files.read_json(job.output / "report.json"))
    one, two = results
    assert one["loaded"]["converted_pytorch.pth"]["comparisons"]["images"]["count"] == COUNT
    assert one == two
    wrong = small.state()
    wrong["logits.bias"] = wrong["logits.bias"] + torch.arange(11)
    torch.save(small.network(weights=wrong), job.output / "converted_pytorch.pth")
    (job.output / "converted_pytorch.py").write_text(small.SOURCE + "raise OSError('no such disk')\n")
    done = evaluate(job, DEVICES="2")  # the exit code of an evaluation, not that of torchrun
    assert done.returncode == 3, done.stderr
    assert "converted_pytorch.safetensors cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr


class Company:
    """Stands in for torch.distributed in process 0 of two, with what the other one sends."""

    def __init__(self, *sent: Any) -> None:
        self.sent = [*sent]
        self.heard: list[Any] = []

    def is_initialized(self) -> bool:
        return True

    def get_world_size(self) -> int:
        return 2

    def get_rank(self) -> int:
        return 0

    def broadcast_object_list(self, words: list[Any]) -> None:
        self.heard += words

    def gather_object(self, share: Any, found: list[Any]) -> None:
        found[:] = [share, self.sent.pop(0)]


def shared(job: Job, monkeypatch: pytest.MonkeyPatch, *sent: Any) -> tuple[Company, list[Any]]:
    company = Company(*sent)
    monkeypatch.setattr(sharing, "distributed", company)
    sharing.announce("converted_pytorch.pth")
    return company, [(count, len(made)) for count, made in sharing.outputs(lambda batch: batch, job, 10)]


def test_batches_come_in_order(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    company, found = shared(job, monkeypatch, (10, np.zeros(10)), (3, np.zeros(3)))
    assert company.heard == [("load", "converted_pytorch.pth"), ("compute", 0, 10), ("compute", 20, 10)]
    assert found == [(10, 10), (10, 10), (10, 10), (3, 3)]


def test_the_last_round_may_have_less_batches_than_processes(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert job.images is not None
    (job.images / "labels.csv").write_text("filename,label\n0.png,1\n")
    assert shared(job, monkeypatch, None)[1] == [(1, 1)]


@pytest.mark.parametrize("error", [InputError("Cannot read the image 12.png"), MemoryError(), RuntimeError("no")])
def test_what_goes_wrong_elsewhere_is_raised_here(job: Job, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with pytest.raises(type(error)):
        shared(job, monkeypatch, error)


def test_errors_of_a_share_are_handed_over(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "distributed", Company())
    assert job.images is not None
    items = images.labelled(job.images)

    def refuse(batch: Any) -> Any:  # noqa: ARG001  # as a network has it
        raise RuntimeError("shapes do not fit\nand where in C++")

    assert str(sharing.share(lambda: (refuse, items), job, 0, 10)) == "shapes do not fit"
    (job.images / "3.png").write_text("no image")
    assert isinstance(sharing.share(lambda: (lambda batch: batch, items), job, 0, 10), InputError)


@pytest.mark.parametrize(
    ("device", "gpus", "devices", "count"),
    [("cpu", 0, "all", 1), ("cpu", 0, "3", 3), ("cuda", 4, "all", 4), ("cuda", 4, "2", 2), ("auto", 0, "1", 1)],
)
def test_how_many_processes(
    new_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, device: str, gpus: int, devices: str, count: int
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert distributed.count(new_job(device=device, devices=devices)) == count
    assert distributed.place(device, count - 1) == (torch.device("cuda", count - 1) if gpus else torch.device("cpu"))


def test_more_than_there_are(new_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job(device="cpu")
    for words in ("some", "0", "-1", "1.5"):
        with pytest.raises(UsageError, match="It is a number, or all"):
            distributed.count(replace(job, devices=words))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(MachineError, match="sees 2 GPUs"):
        distributed.count(replace(job, device="cuda", devices="3"))


def test_the_processes_of_one_machine_need_no_network(tmp_path: Path) -> None:
    command = distributed.command(2)
    assert {"--master-addr=127.0.0.1", "--nnodes=1", "--nproc-per-node=2"} <= set(command)
    wanted = os.environ.get("GLOO_SOCKET_IFNAME", "lo")
    assert distributed.environment(tmp_path)["GLOO_SOCKET_IFNAME"] == wanted
