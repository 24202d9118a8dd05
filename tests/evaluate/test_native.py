"""The stage of the native engine: from the files of a conversion to its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report import valid_report
from tf2torch import bundle, details, files
from tf2torch.bundle import Reference
from tf2torch.errors import InputError
from tf2torch.evaluate import report
from tf2torch.ir import correspondence, store
from tf2torch.ir.types import Graph, Node, Param, Ref, TensorType, Value
from tf2torch.job import Job

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402  # torch may be absent

from tests.evaluate import small_network as small  # noqa: E402  # torch may be absent
from tf2torch.engines.native import evaluate  # noqa: E402  # torch may be absent
from tf2torch.evaluate import evaluation  # noqa: E402  # torch may be absent

WAYS = ["converted_pytorch.safetensors", "converted_pytorch.pth"]
NPY = "KitModel(converted_pytorch.npy)"


def reference() -> Reference:
    """Of ten inputs, the first two of which the details have."""
    inputs = np.random.default_rng(0).standard_normal((10, small.SIZE, small.SIZE, 3), np.float32)
    with torch.inference_mode():
        outputs = small.network()(torch.from_numpy(inputs.transpose(0, 3, 1, 2))).numpy()
    errors = {"batch 1": 1e-7, "batch 10": 1e-7}
    return Reference(inputs, outputs, outputs[:1], outputs[:0], (), (), errors, "2.21.0")


def graph() -> tuple[Graph, dict[str, Any]]:
    """No more than its params and its nodes' names, which is what the evaluation reads of it."""
    weights = {}
    for key, parameter in small.PARAMETERS.items():
        weights[parameter.ref.tensor] = parameter.ref.view.inverse().apply(small.state()[key]).contiguous().numpy()
    params = {
        Value(name, TensorType("float32", value.shape), Ref(name)): Param(Ref(name), item.kind)
        for (name, value), item in zip(weights.items(), small.PARAMETERS.values(), strict=True)
    }
    nodes = tuple(Node(op, (), (), origin=(name,)) for name, op in small.OPS.items())
    return Graph((), (), nodes, params), weights


@pytest.fixture
def job(new_job: Callable[..., Job]) -> Job:
    """After the stages before."""
    job = new_job(engine="native", input_size=small.SIZE, classes=11)
    for folder in (job.output, *(job.work / stage for stage in ("export", "codegen"))):
        folder.mkdir(parents=True)
    small.write(job.output)
    store.save(*graph(), job.work / "export")
    bundle.save(reference(), job.intermediate("export", "reference.safetensors"), small.record())
    correspondence.save(small.CORRESPONDENCE, job.intermediate("codegen", "correspondence.json"))
    return job


def run(job: Job, tmp_path: Path) -> tuple[Any, str]:
    products = tmp_path / "products"
    products.mkdir()
    evaluate.run(job, tmp_path, products)
    result = files.read_json(products / "report.json")
    valid_report.check(result)
    return result, (products / "report.md").read_text()


def test_a_right_conversion_passes(job: Job, tmp_path: Path) -> None:
    result, text = run(job, tmp_path)
    assert result["verdict"] == "PASS"
    assert list(result["loaded"]) == WAYS
    first, second = result["loaded"].values()
    assert list(first["comparisons"]) == ["batch 1", "batch 2", "size 14x14", "batch 10"]
    assert first["modules"]["compared"] == 12
    assert first["trainable"] == {
        "passed": True,
        "trainable": 6867,
        "tensorflow": 6867,
        "baked": 0,
        "baked_variables": [],
    }
    assert second["passed"]
    assert second["modules"] is None
    assert report.verdict_line(result, 41, "output/net/report.md") == (
        "PASS net  0.0 M parameters, 0 baked  max rel diff 0.0e+00  grad cos 1.000000  top-1 10/10  41 s"
        "  -> output/net/report.md"
    ).replace("0.0e+00", f"{report.worst(result)['error']:.1e}")
    assert "## Modules of converted_pytorch.safetensors: 12 of 12 agree" in text
    assert "of converted_pytorch.pth" not in text
    lines = report.comparison_lines(result)
    assert [line.split()[1] for line in lines[-4:]] == ["modules", "gradients", "parameters", "float64"]
    assert all(line.endswith("PASS") for line in lines)


def test_a_network_that_is_no_classifier(job: Job, tmp_path: Path) -> None:
    bundle.save(None, job.intermediate("export", "reference.safetensors"), small.record())
    result, text = run(replace(job, images=tmp_path / "photographs"), tmp_path)  # which nobody looks at
    assert result["verdict"] == "PASS"
    assert result["notes"] == [evaluation.NO_CLASSIFIER]
    assert list(result["loaded"][WAYS[0]]["comparisons"]) == ["batch 1", "batch 2", "size 14x14"]
    assert "\nTensorFlow against PyTorch" in text


def test_weights_of_another_conversion(job: Job, tmp_path: Path) -> None:
    """The file is whole, its numbers are not TensorFlow's: the other way of loading is right."""
    weights = small.state()
    weights["block.conv.bias"] = weights["block.conv.bias"] + 1e-3
    save_file(weights, job.output / WAYS[0])
    result, text = run(job, tmp_path)
    assert result["verdict"] == "FAIL"
    assert [entry["passed"] for entry in result["loaded"].values()] == [False, True]
    assert result["loaded"][WAYS[0]]["modules"]["first_diverging"]["path"] == "block.conv"
    assert "block.conv (Conv2D, BiasAdd: block_1/Conv2D, block_1/BiasAdd)" in text
    assert any("first diverging: block.conv" in line for line in report.comparison_lines(result))


def test_a_pickle_that_is_wrong_is_looked_into(job: Job, tmp_path: Path) -> None:
    torch.save(small.network({"eps=0.001": "eps=1e-5"}), job.output / WAYS[1])
    result, _ = run(job, tmp_path)
    assert [entry["passed"] for entry in result["loaded"].values()] == [True, False]
    assert result["loaded"][WAYS[1]]["modules"]["first_diverging"]["path"] == "stem.bn"


def test_the_npy_is_compared_if_it_was_asked_for(job: Job) -> None:
    assert list(evaluate.loaders(job.output / "converted_pytorch.py", ("npy", "pt2"))) == [*WAYS, NPY]


def test_the_source_is_no_module_of_ours(job: Job) -> None:
    module = evaluate.imported(job.output / "converted_pytorch.py")
    assert module.__name__ == "tf2torch_converted_net"
    assert module is not evaluate.imported(job.output / "converted_pytorch.py")


MISSING = {
    "weights": ("output", WAYS[0], r"make convert FROM=codegen"),
    "pickle": ("output", WAYS[1], r"make convert FROM=codegen"),
    "correspondence": ("codegen", "correspondence.json", r"make codegen FORCE=1"),
    "graph": ("export", store.GRAPH, r"make export FORCE=1"),
    "reference": ("export", "reference.safetensors", r"make export FORCE=1"),
}


@pytest.mark.parametrize("content", [None, b"\x80{}"], ids=["missing", "broken"])
@pytest.mark.parametrize(("place", "name", "advice"), MISSING.values(), ids=MISSING)
def test_a_file_that_is_missing_or_broken(
    job: Job, tmp_path: Path, place: str, name: str, advice: str, content: bytes | None
) -> None:
    path = (job.output if place == "output" else job.work / place) / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=advice) as caught:
        run(job, tmp_path)
    assert name in str(caught.value)


def test_a_reference_of_the_outputs_alone(job: Job, tmp_path: Path) -> None:
    path = job.intermediate("export", "reference.safetensors")
    bundle.save(reference(), path)
    assert details.load(path) is None
    with pytest.raises(InputError, match="make export FORCE=1"):
        run(job, tmp_path)


def test_what_tensorflow_did_not_compute_is_said(job: Job, tmp_path: Path) -> None:
    noted = replace(small.record(), exact=None, notes=("float64: the graph has a loop",))
    bundle.save(reference(), job.intermediate("export", "reference.safetensors"), noted)
    result, text = run(job, tmp_path)
    assert (result["verdict"], result["notes"]) == ("PASS", ["float64: the graph has a loop"])
    assert "* float64: the graph has a loop\n" in text
