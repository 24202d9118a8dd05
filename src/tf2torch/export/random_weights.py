"""A seeded checkpoint for a network without published weights, or for a machine without a network.

Kernels are drawn so that the variance is kept; batch norm gets scales and offsets that are not trivial, and the
mean and variance that its input really has on seeded images; the last bias takes away what all images share, so
that different images fall into different classes. Deep networks stay finite and well conditioned, and a batch norm
that is converted wrongly shows at once.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from tf2torch import images
from tf2torch.export.tensorflow import session, tf
from tf2torch.recipe import Recipe
from tf2torch.zoo import networks

CALIBRATION_BATCH = 8
LEAST_VARIANCE = 0.05  # of a layer's median; a batch norm would blow up the rounding of a channel that hardly varies
FloatArray = np.ndarray[Any, np.dtype[np.float32]]


def values(recipe: Recipe, seed: int) -> dict[str, FloatArray]:
    """Every variable of the recipe's network by name. The same seed gives the same values on any machine."""
    network = networks.build(recipe, training=True)
    with network.graph.as_default(), session(network.graph) as running:
        variables = {variable.op.name: variable for variable in tf.model_variables()}
        assignments = [variable.initializer for variable in variables.values()]
        drawn = [draw(name, variable.shape.as_list(), seed) for name, variable in variables.items()]
        running.run(assignments, {op.inputs[1]: value for op, value in zip(assignments, drawn, strict=True)})
        batch = _inputs(recipe, seed)
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        logits, _ = running.run([network.logits, updates], {network.images: batch})
        result: dict[str, FloatArray] = running.run(variables)
    for name in result:
        if name.endswith("/moving_variance"):
            result[name] = np.maximum(result[name], LEAST_VARIANCE * np.median(result[name]))
    bias = _last_bias(network.logits) if recipe.classes else None
    if bias:
        result[bias] -= logits.mean(0)
    return result


def _inputs(recipe: Recipe, seed: int) -> FloatArray:
    """A batch for the network: pictures or films, or random numbers where it takes something else."""
    shape = (CALIBRATION_BATCH, *recipe.shape)
    seen = images.seeded_input(seed, shape, recipe.preprocessing)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32) if seen is None else seen


def _last_bias(logits: Any) -> str | None:
    """The name of the variable that the last BiasAdd before the logits adds, if there is one on the way."""
    operation = logits.op
    while operation.type != "BiasAdd":
        if not operation.inputs:
            return None
        operation = operation.inputs[0].op
    name: str = operation.inputs[1].op.inputs[0].op.name
    return name


def draw(name: str, shape: list[int], seed: int) -> FloatArray:
    """A variable's first value. It depends on its name, so that adding a layer leaves the others as they were."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    match name.rsplit("/", 1)[-1]:
        case "gamma":
            value = random.uniform(0.5, 1.5, shape)
        case "beta":  # mostly positive: a deep stack of rectifiers centred at zero is chaotic and multiplies rounding
            value = random.normal(1.0, 1.0, shape)
        case "biases" | "bias":
            value = random.normal(0.0, 0.1, shape)
        case "moving_mean":
            value = np.zeros(shape)
        case "moving_variance":
            value = np.ones(shape)
        case kind:
            taps = shape[:-2] if kind == "depthwise_weights" else shape[:-1]
            value = random.normal(0.0, np.sqrt(2.0 / np.prod(taps)), shape)
    return value.astype(np.float32)
