"""Attacks with TensorFlow's gradients."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from tf2torch import attacks
from tf2torch.attacks import ATTACKS, FAR, FEW, FloatArray, IntArray, Recorded
from tf2torch.export.normalize import Inference
from tf2torch.export.running import Running
from tf2torch.export.tensorflow import session, tf
from tf2torch.job import Job


class _Graph:
    """The network with the gradient of the loss, for batches of one size. Raises LookupError if it has none."""

    def __init__(self, inference: Inference, batch: FloatArray) -> None:
        self.running = Running(inference, [batch])
        self.given, outputs = (self.running.tensors[items[0]] for items in (inference.inputs, inference.outputs))
        with self.running.graph.as_default():
            self.labels = tf.placeholder(tf.int64, [len(batch)])
            target = tf.one_hot(self.labels, tf.shape(outputs)[1], dtype=outputs.dtype)
            loss = tf.reduce_logsumexp(outputs - FAR * target, 1) - tf.reduce_sum(outputs * target, 1)
            (self.slope,) = tf.gradients(loss, [self.given], unconnected_gradients="zero")
            self.best = tf.argmax(outputs, 1)

    def compute(self, live: Any, tensor: Any, batch: FloatArray, labels: IntArray) -> Any:
        feeds = {**self.running.feeds, self.given: batch, self.labels: labels}
        return np.asarray(live.run(tensor, feeds))


def record(inference: Inference, inputs: FloatArray, job: Job, few: int = FEW) -> Recorded | None:
    """Attacks images [n, H, W, 3] of a classifier, with PGD the first few. None if an operation has no gradient.

    The graphs, one for each size of a batch, run in a session of their own each for all of the steps.
    """
    known = np.zeros(len(inputs), np.int64)
    with ExitStack() as stack:
        try:
            graphs = {size: _Graph(inference, inputs[:size]) for size in {len(inputs), few}}
        except LookupError:
            return None
        live = {size: stack.enter_context(session(graph.running.graph)) for size, graph in graphs.items()}

        def compute(name: str, batch: FloatArray) -> Any:
            graph = graphs[len(batch)]
            return graph.compute(live[len(batch)], getattr(graph, name), batch, known[: len(batch)])

        known[:] = compute("best", inputs)
        counts = np.array([few if attack.method == "PGD" else len(inputs) for attack in ATTACKS])
        return attacks.run(
            lambda batch: compute("slope", batch),
            lambda batch: compute("best", batch),
            inputs,
            known,
            counts,
            job.recipe.preprocessing,
            job.seed,
        )
