"""Attacks with TensorFlow, and more images than are kept whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from PIL import Image

from tf2torch.attacks import ATTACKS, FEW, IMAGES
from tf2torch.bundle import best
from tf2torch.export import attacks, reference, sources
from tf2torch.export.running import Running
from tf2torch.export.tensorflow import tf
from tf2torch.recipe import Recipe

RECIPE = Recipe("net", "net", 12, 16, "inception", "logits")


def classifier(folder: Path, *, batch: int | None = None) -> Path:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [batch, 16, 16, 3], name="images")
        x = graphs.convolution(images, "conv1", 12, training=False)
        tf.multiply(20.0, tf.reduce_mean(x, [1, 2]), name="logits")
        return graphs.save(graph, folder / "net.ckpt")


@pytest.fixture(scope="module")
def meta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classifier(tmp_path_factory.mktemp("classifier"))


def load(meta: Path, **changes: Any) -> tuple[Any, Any]:
    job = replace(graphs.job(meta.parent, meta, **changes), recipe=RECIPE)
    return sources.load(job).inference, job


def test_the_gradient_is_that_of_the_other_classes_less_the_label(meta: Path) -> None:
    inference, job = load(meta)
    found = reference.record(inference, job)
    attacked = found.attacks
    assert attacked is not None
    assert np.array_equal(attacked.inputs, found.inputs[:IMAGES])
    assert np.array_equal(attacked.labels, found.outputs[:IMAGES].argmax(1))
    assert attacked.raised.shape == (len(ATTACKS), attacked.inputs.size // 8)
    assert attacked.fooled.shape == (len(ATTACKS), IMAGES)
    assert attacked.counts.tolist() == [IMAGES, IMAGES, FEW, FEW]

    def loss(inputs: Any) -> float:
        (outputs,) = Running(inference, [inputs.astype(np.float64)], wide=True).outputs()
        others = np.exp(outputs)
        chosen = np.take_along_axis(outputs, attacked.labels[:, None], 1)[:, 0]
        np.put_along_axis(others, attacked.labels[:, None], 0, 1)
        return float((np.log(others.sum(1)) - chosen).sum())

    step = 1e-6 * np.random.default_rng(0).standard_normal(attacked.inputs.shape)
    slope = loss(attacked.inputs + step) - loss(attacked.inputs - step)
    assert slope == pytest.approx(2 * float((attacked.gradient * step).sum()), rel=1e-3)


def test_a_batch_that_is_fixed(tmp_path: Path) -> None:
    inference, job = load(classifier(tmp_path, batch=2))
    attacked = reference.record(inference, job).attacks
    assert attacked is not None
    assert len(attacked.inputs) == 2
    assert attacked.counts.tolist() == [2] * 4


def test_an_operation_without_a_gradient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inference, job = load(classifier(tmp_path))

    def refuse(*_: object, **__: object) -> None:
        raise LookupError("No gradient defined for operation")

    monkeypatch.setattr(attacks.tf, "gradients", refuse)
    assert reference.record(inference, job).attacks is None


def test_images_beyond_the_first_are_kept_in_short(tmp_path: Path, meta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(13):
        path = tmp_path / f"{number % 3}" / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    inference, job = load(meta, images=tmp_path)
    whole = reference.record(inference, job)
    assert whole.image_outputs.shape == (13, 12)
    assert len(whole.later_classes) == 0
    assert whole.attacks is not None
    assert np.array_equal(whole.attacks.labels, whole.image_outputs[:IMAGES].argmax(1))
    monkeypatch.setattr(reference, "WHOLE", 4)
    short = reference.record(inference, job)
    assert np.array_equal(short.image_outputs, whole.image_outputs[:4])
    assert np.array_equal(short.later_classes, best(whole.image_outputs[4:]))
    assert np.array_equal(short.later_outputs[:, 0], whole.image_outputs[4:].max(1))
    assert short.labels == whole.labels == (0,) * 5 + (1,) * 4 + (2,) * 4
