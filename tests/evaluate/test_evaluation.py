"""Small modules against references made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.report import valid_report
from tf2torch import bundle, files, images
from tf2torch.bundle import Reference
from tf2torch.errors import InputError, MachineError, ParityError, UsageError
from tf2torch.job import Job
from tf2torch.recipe import Accuracy

torch = pytest.importorskip("torch")
from tf2torch.evaluate import device, evaluation  # noqa: E402  # torch may be absent

SIZE, CLASSES = 4, 1001
CPU = torch.device("cpu")
LABELS = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)  # of eleven images: a batch, and one more


class Classifier(torch.nn.Module):
    """A linear layer on the flattened image, and whatever `change` makes of the logits."""

    def __init__(self, classes: int, change: Callable[[Any], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = torch.nn.Linear(3 * SIZE * SIZE, classes)
        self.change = change

    def forward(self, x: Any) -> Any:
        assert x.shape[1:] == (3, SIZE, SIZE)
        return self.change(self.linear(x.permute(0, 2, 3, 1).flatten(1)))


def classifier(classes: int = CLASSES, change: Callable[[Any], Any] = lambda logits: logits) -> Classifier:
    return Classifier(classes, change).eval()


def theirs(model: Classifier, batch: Any) -> Any:
    """The same in numpy, in float64."""
    weights, bias = (parameter.detach().numpy().astype(np.float64) for parameter in model.linear.parameters())
    return (batch.reshape(len(batch), 3 * SIZE * SIZE) @ weights.T + bias).astype(np.float32)


@pytest.fixture
def job(new_job: Callable[..., Job], tmp_path: Path) -> Job:
    """Of a network for images of four pixels, with eleven labelled images."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(len(LABELS)):
        pixels = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    lines = [f"{number}.png,{label}" for number, label in enumerate(LABELS)]
    (folder / "labels.csv").write_text("\n".join(["filename,label", *lines]))
    return new_job(input_size=SIZE, classes=CLASSES, images=folder)


def reference(job: Job, model: Classifier, **changes: Any) -> Reference:
    """What a TensorFlow that computes the linear layer would record."""
    inputs = np.random.default_rng(1).standard_normal((10, SIZE, SIZE, 3), np.float32)
    assert job.images or not changes.get("labels")
    batch = np.concatenate([b for _, b in images.batches(job.images, job.recipe, 3)]) if job.images else inputs[:0]
    made = Reference(
        inputs=inputs,
        outputs=theirs(model, inputs),
        single=theirs(model, inputs[:1]),
        image_outputs=theirs(model, batch),
        image_names=tuple(f"{number}.png" for number in range(len(batch))),
        labels=LABELS[: len(batch)],
        float32_errors={"batch 1": 1e-7, "batch 10": 1e-7, "images": 1e-6},
        tensorflow="2.21.0",
    )
    return replace(made, **changes)


def compare(job: Job, model: Classifier, **changes: Any) -> Any:
    result = evaluation.compare(model, reference(job, model, **changes), job, CPU)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


def test_a_right_model_passes(job: Job) -> None:
    result = compare(job, classifier())
    assert result["passed"]
    assert list(result["comparisons"]) == ["batch 1", "batch 10", "images"]
    assert [row["count"] for row in result["comparisons"].values()] == [1, 10, 11]
    assert [row["same_top1"] for row in result["comparisons"].values()] == [1, 10, 11]
    assert [row["tolerance"] for row in result["comparisons"].values()] == pytest.approx([1e-6, 1e-6, 3e-6])
    assert all(0 <= row["error"] < 1e-6 for row in result["comparisons"].values())
    assert result["parameters"] == 3 * SIZE * SIZE * CLASSES + CLASSES


def test_without_images_there_is_no_accuracy(job: Job) -> None:
    result = compare(replace(job, images=None), classifier())
    assert list(result["comparisons"]) == ["batch 1", "batch 10"]
    assert result["accuracy"] is None
    assert result["passed"]


def _spoil_the_last(logits: Any) -> Any:
    logits[-1, 0] += 1e-3
    return logits


WRONG_VALUES = {
    "all a little": (lambda logits: logits * (1 + 1e-5), 1e-5, {"batch 1", "batch 10", "images"}),
    "one of many": (_spoil_the_last, None, {"batch 1", "batch 10", "images"}),
    "right for one image": (lambda logits: logits * (1 + 0.1 * (len(logits) > 1)), 0.1, {"batch 10", "images"}),
    "within the tolerance of the images": (lambda logits: logits * (1 + 2e-6), 2e-6, {"batch 1", "batch 10"}),
    "negated": (lambda logits: -logits, 2.0, {"batch 1", "batch 10", "images"}),
}


@pytest.mark.parametrize(("change", "error", "failing"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_values_fail(job: Job, change: Callable[[Any], Any], error: float | None, failing: set[str]) -> None:
    result = compare(job, classifier(change=change))
    assert not result["passed"]
    assert {name for name, row in result["comparisons"].items() if not row["passed"]} == failing
    if error:
        assert result["comparisons"]["batch 10"]["error"] == pytest.approx(error, rel=0.3)


def test_another_top_1_fails_within_the_tolerance(job: Job) -> None:
    tied = np.zeros((10, CLASSES), np.float32)
    tied[:, 3], tied[:, 4] = 1, 1 - 1e-7
    other = torch.from_numpy(tied.copy())
    other[:, [3, 4]] = other[:, [4, 3]]
    row = compare(job, classifier(change=lambda logits: other[: len(logits)]), outputs=tied)["comparisons"]["batch 10"]
    assert 0 < row["error"] < row["tolerance"]
    assert (row["same_top1"], row["count"], row["passed"]) == (0, 10, False)


def rows_of(*shape: int) -> dict[str, list[int]]:
    return {"batch 1": [1, *shape], "batch 10": [10, *shape], "images": [11, *shape]}


FLAT = {"batch 1": [CLASSES], "batch 10": [10 * CLASSES], "images": [10 * CLASSES]}
WRONG_SHAPES = {
    "no batch axis": (lambda logits: logits.squeeze(0), {"batch 1": [CLASSES], "images": [CLASSES]}),
    "more axes": (lambda logits: logits[:, :, None, None], rows_of(CLASSES, 1, 1)),
    "flat": (lambda logits: logits.flatten(), FLAT),
    "one for all": (lambda logits: logits[:1], {"batch 10": [1, CLASSES], "images": [1, CLASSES]}),
    "a class too few": (lambda logits: logits[:, 1:], rows_of(CLASSES - 1)),
}


@pytest.mark.parametrize(("change", "shapes"), WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_a_wrong_shape_fails(job: Job, change: Callable[[Any], Any], shapes: dict[str, list[int]]) -> None:
    """Broadcasting [classes] against [1, classes] would hide the commonest fault of MMdnn."""
    result = compare(job, classifier(change=change))
    assert not result["passed"]
    assert {name: row["shape"] for name, row in result["comparisons"].items() if "shape" in row} == shapes
    for name in shapes:
        row = result["comparisons"][name]
        assert (row["passed"], row["error"]) == (False, None)
        assert row["wanted_shape"][1] == CLASSES
    assert (result["accuracy"] is None) == (shapes.get("images") != [11, CLASSES, 1, 1])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", [slice(None), 3])
def test_what_is_no_number_fails(job: Job, bad: float, where: Any) -> None:
    def spoil(logits: Any) -> Any:
        logits[:, where] = bad
        return logits

    result = compare(job, classifier(change=spoil))
    assert not result["passed"]
    for row in result["comparisons"].values():
        assert (row["passed"], row["error"]) == (False, None)


def test_a_reference_that_is_no_number_fails(job: Job) -> None:
    """Even if both sides agree on it."""
    model = classifier(change=lambda logits: logits * float("nan"))
    nothing = np.full((10, CLASSES), np.nan, np.float32)
    result = evaluation._comparison(nothing, nothing, float("inf"))
    assert result == {"passed": False, "error": None, "same_top1": 10, "count": 10}
    assert not compare(job, model, outputs=nothing)["passed"]


def test_a_model_that_gives_no_tensor(job: Job) -> None:
    with pytest.raises(ParityError, match="gives a tuple"):
        compare(job, classifier(change=lambda logits: (logits, logits)))


@pytest.mark.parametrize("changes", [{"image_names": ()}, {"image_names": tuple("abcdefghijk")}, {"labels": (0,) * 11}])
def test_images_that_tensorflow_has_not_seen(job: Job, changes: dict[str, Any]) -> None:
    if not changes.get("image_names", True):
        changes = {"image_names": (), "labels": (), "image_outputs": np.zeros((0, CLASSES), np.float32)}
    with pytest.raises(InputError, match=r"make convert MODEL=net IMAGES=") as caught:
        compare(job, classifier(), **changes)
    assert "TensorFlow has not been run on the images" in str(caught.value)


@pytest.mark.parametrize(("classes", "offset"), [(1001, 0), (1000, 1)])
def test_accuracy_is_counted_from_the_background(job: Job, classes: int, offset: int) -> None:
    """Label 5 is class 5 of 1001, and class 4 of 1000."""
    job = replace(job, recipe=replace(job.recipe, classes=classes))
    model = classifier(classes)
    wanted = np.array(LABELS) - offset
    ranks = np.array([0, 0, 0, 1, 4, 5, 100, 0, 1, 2, 4])  # at which place TensorFlow names each image
    logits = np.tile(-np.arange(classes, dtype=np.float32) - 100, (len(LABELS), 1))
    for row, label, rank in zip(logits, wanted, ranks, strict=True):
        others = range(200, 200 + rank)
        row[others] = np.arange(len(others), 0, -1)
        row[label] = 0
    result = compare(job, model, image_outputs=logits)
    assert result["accuracy"]["images"] == 11
    assert result["accuracy"]["tensorflow"] == {"top1": 4, "top5": 9}
    ours = theirs(model, np.concatenate([batch for _, batch in images.batches(job.images, job.recipe, 20)]))  # type: ignore[arg-type]  # there are images
    order = np.argsort(-ours, 1)
    assert result["accuracy"]["pytorch"] == {
        f"top{k}": int((order[:, :k] == wanted[:, None]).any(1).sum()) for k in (1, 5)
    }


def test_both_sides_of_the_accuracy_are_their_own(job: Job) -> None:
    """TensorFlow names every image rightly, PyTorch none."""
    right = np.zeros((11, CLASSES), np.float32)
    right[np.arange(11), LABELS] = 1
    model = classifier(change=lambda logits: torch.zeros_like(logits).index_fill(1, torch.arange(900, 910), 1))
    assert compare(job, model, image_outputs=right)["accuracy"] == {
        "images": 11,
        "tensorflow": {"top1": 11, "top5": 11},
        "pytorch": {"top1": 0, "top5": 0},
    }


# ---- the whole evaluation


def evaluate(job: Job, folder: Path, *models: Classifier) -> tuple[Any, str]:
    """report.json and report.md of an evaluation of these models against the first."""
    path = job.intermediate("export", "reference.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    bundle.save(reference(job, models[0]), path)
    folder.mkdir()
    loaders = {f"way {number}": (lambda model=model: model) for number, model in enumerate(models)}
    evaluation.run(job, loaders, folder)
    text = (folder / "report.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    valid_report.check(json.loads(text))
    return json.loads(text), (folder / "report.md").read_text()


def test_an_evaluation_that_passes(job: Job, tmp_path: Path) -> None:
    job = replace(job, recipe=replace(job.recipe, accuracy=Accuracy(70.0, 90.0)))
    result, text = evaluate(job, tmp_path / "products", classifier(), classifier())
    assert result["verdict"] == "PASS"
    assert list(result["loaded"]) == ["way 0", "way 1"]
    expected = {"model": "net", "engine": "mmdnn", "weights": "pretrained", "tensorflow": "2.21.0", "device": "CPU"}
    assert result.items() >= expected.items()
    assert result["torch"] == torch.__version__
    assert result["published_accuracy"] == {"top1": 70.0, "top5": 90.0}
    assert text.startswith("# net: PASS\n")
    written = sorted(path.name for path in (tmp_path / "products").iterdir())
    assert written == ["report.html", "report.json", "report.md"]


@pytest.mark.parametrize("change", [lambda logits: logits * 1.1, lambda logits: logits * float("nan")])
def test_one_way_that_fails_is_a_failure(job: Job, tmp_path: Path, change: Callable[[Any], Any]) -> None:
    result, text = evaluate(job, tmp_path / "products", classifier(), classifier(change=change))
    assert result["verdict"] == "FAIL"
    assert [entry["passed"] for entry in result["loaded"].values()] == [True, False]
    assert text.startswith("# net: FAIL\n")


def test_random_weights_are_marked(job: Job, tmp_path: Path) -> None:
    result, text = evaluate(replace(job, weights="random", seed=3), tmp_path / "products", classifier())
    assert result["weights"] == "random, seed 3"
    assert "random, seed 3" in text


def test_models_are_in_evaluation_mode_and_see_no_gradients(job: Job, tmp_path: Path) -> None:
    modes = []

    class Watched(Classifier):
        def forward(self, x: Any) -> Any:
            modes.append((self.training, torch.is_inference_mode_enabled()))
            return super().forward(x)

    evaluate(job, tmp_path / "products", Watched(CLASSES, lambda logits: logits).train())
    assert set(modes) == {(False, True)}


def test_without_a_reference(job: Job, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make export"):
        evaluation.run(job, {}, tmp_path)


# ---- where it runs


def test_the_device() -> None:
    assert device.choose("cpu") == CPU
    assert device.choose("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert device.describe(CPU) == "CPU"


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "cuda:1"])
def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MachineError, match=f"DEVICE={wanted} was asked for, but .* sees 0 GPUs") as caught:
        device.choose(wanted)
    assert caught.value.exit_code == 6
    assert "make doctor" in str(caught.value)


def test_one_gpu_is_not_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert device.choose("auto").type == "cuda"
    assert device.choose("cuda") == torch.device("cuda")
    assert device.choose("cuda:0") == torch.device("cuda:0")
    with pytest.raises(MachineError, match="sees 1 GPUs"):
        device.choose("cuda:1")


@pytest.mark.parametrize("wanted", ["nonsense", "gpu", "cuda:", "cuda:-1", "cuda:x", "mps", "meta", " cpu", ""])
def test_a_device_that_nobody_knows(wanted: str) -> None:
    with pytest.raises(UsageError, match=f"DEVICE={wanted}") as caught:
        device.choose(wanted)
    assert caught.value.exit_code == 2
    assert "auto, cpu, cuda" in str(caught.value)


@pytest.fixture
def tf32() -> Iterator[Callable[[], list[bool]]]:
    """Turns TF32 on, and says where it is on."""
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = True
    yield lambda: [backend.allow_tf32 for backend in backends]
    for backend, value in zip(backends, before, strict=True):
        backend.allow_tf32 = value


def test_exact_arithmetic_is_without_tf32(tf32: Callable[[], list[bool]]) -> None:
    assert tf32() == [True, True]
    device.exact_arithmetic()
    assert tf32() == [False, False]


def test_an_evaluation_is_exact(job: Job, tmp_path: Path, tf32: Callable[[], list[bool]]) -> None:
    evaluate(job, tmp_path / "products", classifier())
    assert tf32() == [False, False]
    assert files.read_json(tmp_path / "products" / "report.json")["device"] == "CPU"
