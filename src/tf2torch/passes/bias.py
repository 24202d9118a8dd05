"""The bias of a layer becomes the third input of its convolution or product. Batch norms are not folded."""

from __future__ import annotations

from tf2torch.ir.match import Match, Rule, anything, either, op, rewrite
from tf2torch.ir.types import Graph, Node, Value
from tf2torch.ops.registry import handlers
from tf2torch.passes.rewrite import as_vector, with_params

_LAYERS = "Conv2D|DepthwiseConv2dNative|Conv3D|conv1d|MatMul|Conv2DBackpropInput|Conv3DBackpropInputV2"


def bias(graph: Graph) -> Graph:
    """A param that is added to what a layer computes, one number for each channel.

    Before:
        input %x: float32[?, 4]
        param %w: float32[4, 3] trainable
        param %b: float32[3] trainable
        %product: float32[?, 3] = MatMul(%x, %w)
        %y: float32[?, 3] = BiasAdd(%product, %b)
        output %y
    After:
        input %x: float32[?, 4]
        param %w: float32[4, 3] trainable
        param %b: float32[3] trainable
        %y: float32[?, 3] = MatMul(%x, %w, %b)
        output %y
    """
    flat: dict[Value, Value] = {}
    result = rewrite(graph, _biased(flat))
    return with_params(result, flat)


def _biased(flat: dict[Value, Value]) -> Rule:
    """Puts into `flat` the params of shape [1, 1, 1, C] whose only use was this, by what they become: [C]."""
    added = anything(lambda index, value: value in index.graph.params)
    layer = op(_LAYERS, ...)
    whole = either(op("BiasAdd|BiasAddV1", layer, added), op("Add|AddV2", layer, added))

    def build(match: Match) -> Node | None:
        node, value = match.node(layer), match[added]
        if not _takes_bias(node) or not _is_for_channels(node, value, match.nodes[-1]):
            return None
        if value.type.shape is not None and len(value.type.shape) > 1:
            if value in match.index.kept or len(match.index.users[value]) > 1:
                return None
            flat[value] = as_vector(value)
        return match.merged(node.op, *node.inputs, flat.get(value, value), attrs=node.attrs, scope=node.scope)

    return whole, build


def _takes_bias(node: Node) -> bool:
    """Whether the handler of a layer takes a bias and the node has none."""
    handler = handlers().get(node.op)
    if handler is None:
        return False
    computed = sum(name not in node.attrs for name in handler.statics)  # sizes that are not attributes yet
    return handler.tensors[len(node.inputs) - computed :] == ("bias",)


def _is_for_channels(layer: Node, bias: Value, addition: Node) -> bool:
    """Whether the bias is one number for each channel of what the layer computes."""
    shape, of_layer = bias.type.shape, layer.output.type.shape
    if shape is None or of_layer is None or not 0 < len(shape) <= len(of_layer):
        return False
    first = layer.attrs.get("data_format", "").startswith("NC")
    if addition.op.startswith("BiasAdd"):
        return first == addition.attrs.get("data_format", "").startswith("NC") or len(of_layer) == 2
    lengths = [1] * len(of_layer)
    channels = of_layer[1 if first else -1]
    if channels is None:
        return False
    lengths[1 if first else -1] = channels
    return lengths[-len(shape) :] == list(shape)
