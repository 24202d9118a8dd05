"""A network of two normalised convolutions and a classifier, known to tf2torch.zoo.networks once this is imported."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tf2torch.export.tensorflow import slim_networks, tf
from tf2torch.job import Job
from tf2torch.recipe import Recipe
from tf2torch.zoo import networks

slim_networks("alexnet")  # makes tf_slim itself importable
import tf_slim as slim  # noqa: E402  # only after that

RECIPE = Recipe("net", "tiny", 11, 20, "inception", "Tiny/SpatialSqueeze")


def tiny_arg_scope() -> Any:
    batch_norm = {"decay": 0.9997, "epsilon": 0.001, "scale": True}
    with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm, normalizer_params=batch_norm) as scope:
        return scope


def tiny(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    with tf.variable_scope("Tiny"), slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        x = slim.conv2d(images * 1.1, 6, 3, stride=2, scope="conv1")  # a constant that float32 does not hold exactly
        slim.conv2d(x, 2, 1, scope="auxiliary")  # which no output needs
        x = slim.conv2d(x, 8, 3, scope="conv2")
        x = slim.dropout(tf.reduce_mean(x, [1, 2], keepdims=True), dropout_keep_prob)
        x = slim.conv2d(x, num_classes, 1, activation_fn=None, normalizer_fn=None, scope="logits")
        tf.squeeze(x, [1, 2], name="SpatialSqueeze")


sys.modules["tf_slim.nets.tiny"] = SimpleNamespace(tiny=tiny, tiny_arg_scope=tiny_arg_scope)  # type: ignore[assignment]
networks.DEFINITIONS["tiny"] = networks.Definition("tiny", "tiny_arg_scope")


def job(root: Path, models: str, **changes: Any) -> Job:
    options = {"engine": "mmdnn", "weights": "pretrained", "seed": 0, "images": None, "device": "cpu", **changes}
    (root / models).mkdir(exist_ok=True)
    return Job(RECIPE, models=root / models, work_root=root / "work", output_root=root / "output", **options)
