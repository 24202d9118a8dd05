"""What MMdnn computes on the way, against what TensorFlow computes there; and where deliberate mistakes are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tf2torch.errors import InputError
from tf2torch.job import Job

torch = pytest.importorskip("torch")
from tf2torch.engines.mmdnn import commands, values  # noqa: E402  # torch may be absent
from tf2torch.engines.mmdnn import evaluate as engine  # noqa: E402  # torch may be absent
from tf2torch.evaluate import evaluation, proof_report  # noqa: E402  # torch may be absent

Run = Callable[..., object]
NewJob = Callable[..., Job]

EXPORT = """
from pathlib import Path
from tf2torch import bundle, files
from tf2torch.engines.mmdnn import commands
from tf2torch.export import graph, recording, sources
from tf2torch.ir import store
from tf2torch.job import Job
from tf2torch.recipe import Recipe
network, folder = map(Path, sys.argv[1:])
meta = network / "net.ckpt.meta"
recipe = Recipe("net", "net", 7, 22, "inception", "net/logits")
job = Job(recipe, "mmdnn", "pretrained", 0, None, "cpu", folder, folder, folder, meta)
inference = sources.load(job).inference
details, _ = recording.record(inference, job)
folder.mkdir(parents=True)
bundle.save(None, folder / "reference.safetensors", details)
files.write_json(folder / store.GRAPH, store.encode(graph.read(inference, {})[0]))
commands.to_ir(meta, network / "net.ckpt", "MMdnn_Output", Path("converted"))
"""
TO_CODE = """
from pathlib import Path
from tf2torch.engines.mmdnn import commands
source = Path("converted_pytorch.py")
commands.to_code(Path("converted"), source, source.with_suffix(".npy"))
"""
KERNEL = "self.conv1_Conv2D(conv1_Conv2D_pad)"
TURNED = "F.conv2d(conv1_Conv2D_pad, self.conv1_Conv2D.weight.swapaxes(2, 3), stride=2)"
EPSILON = "eps=0.0010000000474974513"
FAULTS = {  # what is written instead of what in the source; where it is found, and what is said of it
    "padding": ("F.pad(x, (0, 1, 0, 1))", "F.pad(x, (1, 0, 1, 0))", "conv1_Conv2D", "asymmetric SAME padding"),
    "axes of a kernel": (KERNEL, TURNED, "conv1_Conv2D", "order of the kernel's axes"),
    "axis": ("F.softmax(MatMul, dim=-1)", "F.softmax(MatMul, dim=0)", "Softmax", "order of the axes"),
    "epsilon": (EPSILON, "eps=1e-05", "conv1_bn", "epsilon of the batch norm"),
    "activation": (
        "Relu_1          = F.relu(conv2_Conv2D)",
        "Relu_1 = conv2_Conv2D",
        "Relu_1",
        "the activation is missing",
    ),
    "shape": ("kernel_size=(6, 6)", "kernel_size=(5, 5)", "AvgPool", "SAME or VALID"),
}


@pytest.fixture(scope="module")
def whole(save_network: Callable[[str], Path], python: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the network is exported and converted, in the processes of the two images."""
    folder, network = tmp_path_factory.mktemp("values"), save_network("whole")
    python(EXPORT, network, folder / "work" / "net" / "mmdnn" / "export", hide=("torch",), cwd=folder)
    python(TO_CODE, hide=("tensorflow",), cwd=folder)
    return folder


def compared(folder: Path, new_job: NewJob, *replaced: str) -> dict[str, Any]:
    """What the report says of the converted network, with something else written in its source."""
    source, changed = folder / "converted_pytorch.py", folder / "changed.py"
    text = source.read_text()
    if replaced:
        assert replaced[0] in text
        text = text.replace(*replaced)
    changed.write_text(text)
    job = new_job(work_root=folder / "work", output_root=folder / "output")
    model = commands.load_kit_model(changed, source.with_suffix(".npy"))
    return evaluation.compare(model, None, job, torch.device("cpu"), engine.read_proof(job, changed))


@pytest.mark.slow
def test_everything_inside_is_compared(whole: Path, new_job: NewJob) -> None:
    found = compared(whole, new_job)
    assert found["passed"]
    assert [(row["path"], row["class"], row["tensor"], row["family"]) for row in found["modules"]["rows"]] == [
        ("conv1_Conv2D", "nn.Conv2d", "conv1/Conv2D:0", "convolution"),
        ("conv1_bn", "nn.BatchNorm2d", "conv1/bn:0", "normalization"),
        ("Relu", "F.relu", "Relu:0", "activation"),
        ("MaxPool2d", "F.max_pool2d", "MaxPool2d:0", "pooling"),
        ("conv2_Conv2D", "nn.Conv2d", "BiasAdd:0", "convolution"),
        ("Relu_1", "F.relu", "Relu_1:0", "activation"),
        ("AvgPool", "F.avg_pool2d", "AvgPool:0", "pooling"),
        ("SpatialSqueeze", "torch.squeeze", "SpatialSqueeze:0", "shape"),
        ("MatMul", "nn.Linear", "BiasAdd_1:0", "linalg"),
        ("Softmax", "F.softmax", "Softmax:0", "activation"),
        ("", "KitModel", "MMdnn_Output:0", "control"),
    ]
    assert all(row["passed"] for row in found["modules"]["rows"])
    assert found["gradients"]["passed"]
    assert found["gradients"]["variables"]["compared"] == 7
    assert found["gradients"]["variables"]["cosine"] > 0.9999
    assert found["trainable"]["passed"]
    assert list(found["comparisons"]) == ["batch 1", "batch 2"]


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "written", "layer", "words"), FAULTS.values(), ids=FAULTS)
def test_a_mistake_is_pinned_to_its_layer(
    wanted: str, written: str, layer: str, words: str, whole: Path, new_job: NewJob
) -> None:
    found = compared(whole, new_job, wanted, written)
    first = found["modules"]["first_diverging"]
    assert first["path"] == layer
    assert words in proof_report.whole(first)
    before = found["modules"]["rows"][: found["modules"]["rows"].index(first)]
    assert all(row["passed"] for row in before)


@pytest.mark.slow
def test_a_parameter_too_many_is_shown_and_judges_nothing(whole: Path, new_job: NewJob) -> None:
    more = "self.more = nn.Linear(2, 2)\n        self.conv1_Conv2D ="
    found = compared(whole, new_job, "self.conv1_Conv2D =", more)
    assert found["passed"]
    assert not found["trainable"]["passed"]
    assert found["trainable"]["trainable"] == found["trainable"]["tensorflow"] + 6
    (line,) = (line for line in proof_report.lines(found) if line[0] == "parameters")
    assert line[1].endswith("; no part of the verdict")


@pytest.mark.slow
def test_a_network_that_stops_is_compared_as_far_as_it_comes(whole: Path, new_job: NewJob) -> None:
    found = compared(whole, new_job, *FAULTS["shape"][:2])
    assert not found["passed"]
    assert found["modules"]["stopped"]
    assert [row.get("problem") for row in found["modules"]["rows"]] == [
        *[None] * 6,
        *("shape [2, 2, 2, 12], not [2, 1, 1, 12]", "shape [2, 12, 2, 2], not [2, 12]"),
        *["not reached"] * 3,
    ]


def test_another_source_is_refused() -> None:
    with pytest.raises(InputError, match="none of MMdnn's"):
        values.correspondence("class Other: ...", None)  # type: ignore[arg-type]  # it does not come so far
