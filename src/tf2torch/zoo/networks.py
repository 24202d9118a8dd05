"""The network definitions that TensorFlow's packages carry, built by name. TensorFlow side."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass
from typing import Any

from tf2torch.errors import UsageError
from tf2torch.export.tensorflow import slim_networks, tf
from tf2torch.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Definition:
    module: str  # in tf_slim.nets
    scope: str  # the function in that module which makes the argument scope


_RESNETS = {
    f"resnet_v{version}_{depth}": Definition(f"resnet_v{version}", "resnet_arg_scope")
    for version in (1, 2)
    for depth in (50, 101, 152, 200)
}
DEFINITIONS = {
    "alexnet_v2": Definition("alexnet", "alexnet_v2_arg_scope"),
    "inception_v1": Definition("inception_v1", "inception_v1_arg_scope"),
    "inception_v2": Definition("inception_v2", "inception_v2_arg_scope"),
    "inception_v3": Definition("inception_v3", "inception_v3_arg_scope"),
    "overfeat": Definition("overfeat", "overfeat_arg_scope"),
    "vgg_16": Definition("vgg", "vgg_arg_scope"),
    "vgg_19": Definition("vgg", "vgg_arg_scope"),
    **_RESNETS,
}


@dataclass(frozen=True, slots=True)
class Network:
    graph: Any  # tf.Graph
    images: Any  # placeholder [N, H, W, 3] float32
    logits: Any  # [N, classes] float32


def build(recipe: Recipe, *, training: bool = False) -> Network:
    """The recipe's network in a graph of its own, with uninitialised variables.

    With `training`, batch norm normalises by the statistics of the batch, and its update ops (collection UPDATE_OPS)
    put exactly those statistics into the moving averages; nothing is dropped out.
    Raises UsageError for a network that no package defines, and for an output that it does not have.
    """
    definition = DEFINITIONS.get(recipe.network)
    if definition is None:
        near = difflib.get_close_matches(recipe.network, DEFINITIONS, n=3)
        raise UsageError(
            f"The recipe of {recipe.name} names the network {recipe.network!r}, which is not defined. "
            f"{'Did you mean ' + ', '.join(near) + '?' if near else 'Known: ' + ', '.join(DEFINITIONS)}"
        )
    module = slim_networks(definition.module)
    scope = getattr(module, definition.scope, None) or getattr(slim_networks("resnet_utils"), definition.scope)
    define = getattr(module, recipe.network)
    arguments = _without_decay(scope()) if training else scope()
    options = (
        {"dropout_keep_prob": 1.0} if training and "dropout_keep_prob" in inspect.signature(define).parameters else {}
    )
    size = recipe.input_size
    graph = tf.Graph()
    with graph.as_default(), slim_scope(arguments):
        images = tf.placeholder(tf.float32, [None, size, size, 3], name="input")
        define(images, num_classes=recipe.classes, is_training=training, **options)
        logits = _output(graph, recipe)
        if logits.shape.rank == 4:  # the residual networks end in [N, 1, 1, classes]
            logits = tf.squeeze(logits, [1, 2], name="SpatialSqueeze")
    return Network(graph, images, logits)


def _output(graph: Any, recipe: Recipe) -> Any:
    try:
        return graph.get_tensor_by_name(f"{recipe.output}:0")
    except (KeyError, ValueError) as error:
        near = difflib.get_close_matches(recipe.output, [operation.name for operation in graph.get_operations()], n=3)
        raise UsageError(
            f"The recipe of {recipe.name} names the output {recipe.output!r}, which the network {recipe.network} does "
            f"not have. {'Did you mean ' + ', '.join(near) + '?' if near else 'It is the name of an operation.'}"
        ) from error


def _without_decay(scope: dict[str, Any]) -> dict[str, Any]:
    """The argument scope with batch norms whose moving averages forget at once, which few networks offer."""
    for options in scope.values():
        for batch_norm in (options, options.get("normalizer_params") or {}):
            if "decay" in batch_norm:
                batch_norm["decay"] = 0.0
    return scope


def slim_scope(scope: Any) -> Any:
    """tf_slim's context manager for a scope of arguments."""
    import tf_slim

    return tf_slim.arg_scope(scope)
