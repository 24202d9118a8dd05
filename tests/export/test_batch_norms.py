"""The ways in which people normalise: each becomes what it is at inference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest

from tf2torch import bundle
from tf2torch.export import sources
from tf2torch.export.running import Running
from tf2torch.export.tensorflow import session, slim_networks, tf

slim_networks("alexnet")  # makes tf_slim itself importable
import tf_slim as slim  # noqa: E402  # only after that

pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")  # tf_slim's own call
FUSED = ["Conv2D", "FusedBatchNormV3", "Relu"]
DECOMPOSED = ["Conv2D", "AddV2", "Rsqrt", "Mul", "Mul", "Mul", "Sub", "AddV2", "Relu"]


def fused(x: Any, training: Any) -> Any:
    options = {"is_training": training, "decay": graphs.DECAY, "fused": True, "scale": True}
    return slim.conv2d(x, 4, 3, normalizer_fn=slim.batch_norm, normalizer_params=options, scope="unit")


def decomposed(x: Any, training: Any) -> Any:
    options = {"is_training": training, "decay": graphs.DECAY, "fused": False, "scale": True}
    return slim.conv2d(x, 4, 3, normalizer_fn=slim.batch_norm, normalizer_params=options, scope="unit")


def by_hand(x: Any, training: Any) -> Any:
    """With tf.nn.moments and an ExponentialMovingAverage, as in many an old tutorial."""
    with tf.variable_scope("unit"):
        y = tf.nn.conv2d(x, graphs.variable("weights", 3, 3, 3, 4), 1, "SAME")
        mean, variance = tf.nn.moments(y, [0, 1, 2])
        averages = tf.train.ExponentialMovingAverage(graphs.DECAY)

        def updated() -> Any:
            with tf.control_dependencies([averages.apply([mean, variance])]):
                return tf.identity(mean), tf.identity(variance)

        mean, variance = tf.cond(training, updated, lambda: (averages.average(mean), averages.average(variance)))
        beta, gamma = graphs.variable("beta", 4), graphs.variable("gamma", 4)
        return tf.nn.relu(tf.nn.batch_normalization(y, mean, variance, beta, gamma, 0.001))


@pytest.mark.parametrize(("build", "expected"), [(fused, FUSED), (decomposed, DECOMPOSED), (by_hand, DECOMPOSED)])
@pytest.mark.parametrize("asked", [False, True])
def test_every_way_to_normalise(
    tmp_path: Path, build: Callable[[Any, Any], Any], expected: list[str], *, asked: bool
) -> None:
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
        training = tf.placeholder(tf.bool, name="is_training")
        build(x, training if asked or build is by_hand else True)
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(graph.get_tensor_by_name("unit/Relu:0")))
        meta = graphs.save(graph, tmp_path / "net.ckpt")
        with session(graph) as running:
            tf.train.Saver().restore(running, str(tmp_path / "net.ckpt"))
            wanted = running.run("unit/Relu:0", {x: images, training: False})
    exported, _ = graphs.export(tmp_path, meta)
    assert graphs.ops(exported) == expected
    assert exported.info["batch_norm_decay"] == graphs.DECAY
    kinds = [param.kind for param in exported.params.values()]
    assert (kinds.count("trainable"), kinds.count("buffer")) == (3, 2)
    assert not any(node.attrs.get("is_training") for node in exported.nodes)
    if asked:
        (found,) = Running(sources.load(graphs.job(tmp_path, meta)).inference, [images]).outputs()
        assert bundle.relative_error(found, wanted) == 0


def test_frozen_decomposed_batch_norms_have_their_statistics(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        decomposed(tf.placeholder(tf.float32, [None, 8, 8, 3], name="x"), training=False)
        meta = graphs.save(graph, tmp_path / "net.ckpt")
        path = graphs.freeze(graph, tmp_path / "net.ckpt", "unit/Relu", tmp_path / "frozen.pb")
    renamed = tmp_path / "renamed.pb"  # so that the names say nothing
    renamed.write_bytes(path.read_bytes().replace(b"moving_mean", b"other__mean").replace(b"moving_var", b"other__var"))
    kinds = [
        [param.kind for param in graphs.export(tmp_path, source)[0].params.values()] for source in (meta, path, renamed)
    ]
    assert kinds[0] == kinds[1] == kinds[2]
    assert kinds[0].count("buffer") == 2
