"""Small TensorFlow 1 graphs, as people train them, and what the export makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tf2torch.export import graph as graphs
from tf2torch.export import sources
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir.types import Graph
from tf2torch.job import Job
from tf2torch.recipe import Recipe

DECAY = 0.997
RECIPE = Recipe("own", network="", classes=0, input_size=0, preprocessing="inception", output="")


def job(folder: Path, source: Path, **changes: Any) -> Job:
    options = {"engine": "native", "weights": "pretrained", "seed": 0, "images": None, "device": "cpu", **changes}
    return Job(
        RECIPE, models=folder, work_root=folder / "work", output_root=folder / "output", source=source, **options
    )


def variable(name: str, *shape: int, trainable: bool = True, resource: bool = False) -> Any:
    values = np.random.default_rng(len(name)).uniform(0.5, 1.5, shape).astype(np.float32)
    return tf.get_variable(name, initializer=tf.constant(values), trainable=trainable, use_resource=resource)


def convolution(x: Any, name: str, channels: int, training: Any, *, resource: bool = False) -> Any:
    """Conv, batch norm with moving averages, relu, in a scope. `training`: a bool, or a tensor that tf.cond asks."""
    with tf.variable_scope(name):
        kernel = variable("weights", 3, 3, x.shape.as_list()[3], channels, resource=resource)
        y = tf.nn.conv2d(x, kernel, [1, 2, 2, 1], "SAME")
        beta, gamma = variable("beta", channels, resource=resource), variable("gamma", channels, resource=resource)
        mean = variable("moving_mean", channels, trainable=False, resource=resource)
        variance = variable("moving_variance", channels, trainable=False, resource=resource)

        def by_batch() -> Any:
            result, batch_mean, batch_variance = tf.nn.fused_batch_norm(y, gamma, beta, epsilon=0.001)
            for average, statistic in ((mean, batch_mean), (variance, batch_variance)):
                update = tf.assign_sub(average, (average - statistic) * (1.0 - DECAY))
                tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
            return result

        def by_averages() -> Any:
            return tf.nn.fused_batch_norm(y, gamma, beta, mean, variance, epsilon=0.001, is_training=False)[0]

        if isinstance(training, bool):
            return tf.nn.relu(by_batch() if training else by_averages())
        return tf.nn.relu(tf.cond(training, by_batch, by_averages))


def network(x: Any, training: Any = False, *, dropout: bool = False, resource: bool = False) -> Any:
    """Logits [N, 5] of images [N, 16, 16, 3]."""
    x = convolution(x, "conv1", 4, training, resource=resource)
    x = convolution(x, "conv2", 6, training, resource=resource)
    x = tf.reshape(x, [-1, 4 * 4 * 6], name="flat")
    if dropout:
        x = tf.nn.dropout(x, rate=0.5)
    return tf.add(
        x @ variable("classifier", 96, 5, resource=resource), variable("bias", 5, resource=resource), name="logits"
    )


def save(graph: Any, prefix: Path, version: int = 2) -> Path:
    """Initialises the variables, and writes the checkpoint and the meta graph. Returns the path of the latter."""
    with graph.as_default(), session(graph) as running:
        running.run(tf.global_variables_initializer())
        tf.train.Saver(write_version=version).save(running, str(prefix), write_state=False)
    return prefix.with_name(f"{prefix.name}.meta")


def freeze(graph: Any, prefix: Path, output: str, path: Path) -> Path:
    """The frozen graph with the values of a checkpoint."""
    with graph.as_default(), session(graph) as running:
        tf.train.Saver().restore(running, str(prefix))
        frozen = tf.graph_util.convert_variables_to_constants(running, graph.as_graph_def(), [output])
    path.write_bytes(frozen.SerializeToString())
    return path


def export(folder: Path, source: Path, **changes: Any) -> tuple[Graph, dict[str, Any]]:
    loaded = sources.load(job(folder, source, **changes))
    return graphs.read(loaded.inference, loaded.info)


def described(graph: Graph) -> list[str]:
    """The nodes and params as text, to compare."""
    params = [f"{param.kind} {param.ref.tensor} {value.type}" for value, param in graph.params.items()]
    nodes = [
        f"{node.op} {node.origin} {[value.name for value in node.inputs]} {[value.type for value in node.outputs]} "
        f"{dict(node.attrs)}"
        for node in graph.nodes
    ]
    return sorted(params) + nodes


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes if node.op != "Const"]
