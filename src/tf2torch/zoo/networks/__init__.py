"""The network definitions, built by name: those of tf_slim, and in the modules beside this those of ours.

A definition of ours is a module with a function of the network's name, `f(images, num_classes, is_training, ...)`,
which takes what of these three it needs and the `options` of a recipe, and `arg_scope()`, the defaults of its layers.
It is in slim's naming of variables, so that published checkpoints fit. TensorFlow side.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tf2torch.errors import UsageError
from tf2torch.export.tensorflow import slim_networks, tf
from tf2torch.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Definition:
    module: str  # in tf_slim.nets, or beside this one
    scope: str = ""  # of tf_slim: the function that makes the argument scope

    def load(self, network: str) -> tuple[Callable[..., Any], Callable[[], Any]]:
        """The function that builds the network, and the one that makes its argument scope."""
        if not self.scope:
            module = importlib.import_module(f"{__name__}.{self.module}")
            return getattr(module, network), module.arg_scope
        module = slim_networks(self.module)
        scope = getattr(module, self.scope, None) or getattr(slim_networks("resnet_utils"), self.scope)
        return getattr(module, network), scope


_RESNETS = {
    f"resnet_v{version}_{depth}": Definition(f"resnet_v{version}", "resnet_arg_scope")
    for version in (1, 2)
    for depth in (50, 101, 152, 200)
}
_OURS = {  # networks by module
    "cifarnet": ("cifarnet",),
    "cyclegan": ("cyclegan_generator",),
    "dcgan": ("dcgan_generator", "dcgan_discriminator"),
    "facenet": ("inception_resnet_v1",),
    "i3d": ("i3d",),
    "inception_resnet": ("inception_resnet_v2",),
    "inception_v4": ("inception_v4",),
    "lenet": ("lenet",),
    "mobilenet_v1": ("mobilenet_v1",),
    "mobilenet_v2": ("mobilenet_v2",),
    "mobilenet_v3": ("mobilenet_v3_large", "mobilenet_v3_small"),
    "nasnet": ("nasnet_cifar", "nasnet_mobile", "nasnet_large"),
    "pix2pix": ("pix2pix_generator", "pix2pix_discriminator"),
    "pnasnet": ("pnasnet_mobile", "pnasnet_large"),
    "s3dg": ("s3dg",),
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
    **{network: Definition(module) for module, networks in _OURS.items() for network in networks},
}


@dataclass(frozen=True, slots=True)
class Network:
    graph: Any  # tf.Graph
    images: Any  # placeholder [N, *recipe.shape] float32
    logits: Any  # [N, classes] float32, or what else a network without classes gives


def build(recipe: Recipe, *, training: bool = False) -> Network:
    """The recipe's network in a graph of its own, with uninitialised variables.

    With `training`, batch norm normalises by the statistics of the batch, and its update ops (collection UPDATE_OPS)
    put exactly those statistics into the moving averages; nothing is dropped out.
    Raises UsageError for a network that is not defined, for options that it has not, and for an output that it does
    not have.
    """
    definition = DEFINITIONS.get(recipe.network)
    if definition is None:
        near = difflib.get_close_matches(recipe.network, DEFINITIONS, n=3)
        raise UsageError(
            f"The recipe of {recipe.name} names the network {recipe.network!r}, which is not defined. "
            f"{'Did you mean ' + ', '.join(near) + '?' if near else 'Known: ' + ', '.join(DEFINITIONS)}"
        )
    define, scope = definition.load(recipe.network)
    arguments = _without_decay(scope()) if training else scope()
    graph = tf.Graph()
    with graph.as_default(), slim_scope(arguments):
        images = tf.placeholder(tf.float32, [None, *recipe.shape], name="input")
        given = _arguments(define, recipe, training=training)
        try:
            define(images, **given)
        except (ValueError, IndexError) as error:  # what TensorFlow says of shapes
            reason = str(error).partition("\n")[0]
            raise UsageError(
                f"The network {recipe.network} cannot be built for inputs of {' x '.join(map(str, recipe.shape))} "
                f"({reason}). INPUT_SHAPE= says how large they are, or the recipe."
            ) from error
        logits = _output(graph, recipe)
        if recipe.classes and logits.shape.rank == 4:  # the residual networks end in [N, 1, 1, classes]
            logits = tf.squeeze(logits, [1, 2], name="SpatialSqueeze")
    return Network(graph, images, logits)


def _arguments(define: Callable[..., Any], recipe: Recipe, *, training: bool) -> Mapping[str, Any]:
    """What the function is called with beside the images: the recipe's options, and of the rest what it takes."""
    known = inspect.signature(define).parameters
    for name in recipe.options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(f"The recipe of {recipe.name} has the option {name}, {recipe.network} has none.{hint}")
    offered: dict[str, Any] = {"num_classes": recipe.classes, "is_training": training}
    if training:
        offered["dropout_keep_prob"] = 1.0
    return {**{name: value for name, value in offered.items() if name in known}, **recipe.options}


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
