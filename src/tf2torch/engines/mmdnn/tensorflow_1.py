"""What MMdnn, written for TensorFlow 1, needs on TensorFlow 2: the old names, and parsers that do not drop operations.

TensorFlow is imported inside the functions only.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

from tf2torch.engines.mmdnn import adapter
from tf2torch.export.legacy_layers import legacy_layers

_CONTRIB_NETWORKS = ("inception", "resnet_v1", "resnet_v2", "vgg")


class Parser(adapter.Converter, Protocol):
    """A TensorFlow parser of MMdnn's, as far as we use it."""

    IR_graph: Any
    skip_type: set[str]


@cache
def stand_ins() -> dict[str, ModuleType]:
    """Modules that make `import tensorflow` mean TensorFlow 1, for as long as they are in sys.modules.

    TensorFlow 2 keeps placeholder, Session, Dimension, train.NewCheckpointReader, ... in compat.v1 only.
    """
    adapter.require("tensorflow", "TensorFlow", "This half of MMdnn belongs in the tensorflow image.")
    import tensorflow

    contrib = _contrib()
    graph_transforms = _graph_transforms()
    tensorflow_1 = adapter.module(
        "tensorflow",
        __spec__=tensorflow.__spec__,
        __path__=tensorflow.__path__,  # so that tensorflow.python.... is found as ever
        __getattr__=lambda name: getattr(tensorflow.compat.v1, name),
        contrib=contrib["tensorflow.contrib"],
    )
    return {"tensorflow": tensorflow_1, graph_transforms.__name__: graph_transforms, **contrib}


def _graph_transforms() -> ModuleType:
    """tensorflow.tools.graph_transforms left after TensorFlow 2.4. MMdnn asks it to fold constants only, and reads the
    unfolded graph as well: in ten networks of the zoo the result is the same.
    """

    def unchanged(graph: object, *_: object) -> object:
        return graph

    return adapter.module("tensorflow.tools.graph_transforms", TransformGraph=unchanged)


def _contrib() -> dict[str, ModuleType]:
    """tensorflow.contrib left with TensorFlow 2.0. What mmdownload takes from it lives on in tf_slim and tf_keras."""
    if not (importlib.util.find_spec("tf_slim") and importlib.util.find_spec("tf_keras")):
        return {"tensorflow.contrib": adapter.module("tensorflow.contrib", __path__=[])}
    with adapter.modules(legacy_layers()):
        slim = importlib.import_module("tf_slim")
        networks = {name: importlib.import_module(f"tf_slim.nets.{name}") for name in _CONTRIB_NETWORKS}
    keras = importlib.import_module("tf_keras")
    nets = adapter.module("tensorflow.contrib.slim.nets", **networks)
    training = adapter.module("tensorflow.contrib.training", HParams=SimpleNamespace)
    contrib = adapter.module(
        "tensorflow.contrib",
        __path__=[],
        slim=slim,
        framework=slim,
        layers=importlib.import_module("tf_slim.layers"),
        keras=keras,
        training=training,
    )
    return {
        "tensorflow.contrib": contrib,
        "tensorflow.contrib.slim": slim,
        "tensorflow.contrib.slim.nets": nets,
        "tensorflow.contrib.keras": keras,
        **legacy_layers(),
    }


def behave() -> None:
    """TensorFlow 1's behaviour: graphs instead of eager execution, and variables that MMdnn reads instead of resources.

    For whole commands, which have a process for themselves: TensorFlow knows no way back once it is at work.
    """
    import tensorflow

    tensorflow.compat.v1.disable_v2_behavior()


@cache
def adapt_parsers() -> None:
    """Changes methods of MMdnn's two TensorFlow parsers in place, once."""
    from mmdnn.conversion.tensorflow.tensorflow_frozenparser import TensorflowParser2
    from mmdnn.conversion.tensorflow.tensorflow_parser import TensorflowParser

    for parser_class in (TensorflowParser, TensorflowParser2):
        parser_class.rename_UNKNOWN = _rename_unknown
        parser_class.gen_IR = _whole(parser_class.gen_IR)
        parser_class.run = _ordered(parser_class.run)


def _whole(gen_ir: Callable[[Parser], None]) -> Callable[[Parser], None]:
    """The one parser drops an operation that it does not know, says so on the terminal only, and goes on; the other
    stops at the first of them. Here both name all of them.
    """

    def parse(parser: Parser) -> None:
        with adapter.refusing(parser, "mmtoir"):
            gen_ir(parser)

    return parse


def _ordered(run: Callable[[Parser, str], None]) -> Callable[[Parser, str], None]:
    """Attributes are a protobuf map, which has no order of its own: without this the files differ from run to run."""

    def run_ordered(parser: Parser, destination: str) -> None:
        run(parser, destination)
        Path(f"{destination}.pb").write_bytes(parser.IR_graph.SerializeToString(deterministic=True))
        readable = Path(f"{destination}.json")
        graph = json.loads(readable.read_text(encoding="utf-8"))
        for node in graph.get("node", []):
            if "attr" in node:
                node["attr"] = dict(sorted(node["attr"].items()))
        readable.write_text(json.dumps(graph, indent=2), encoding="utf-8")

    return run_ordered


def _rename_unknown(parser: Parser, node: adapter.Node) -> None:
    if node.type in parser.skip_type:
        return
    print(f"TensorflowEmitter has not supported operator [{node.type}] with name [{node.name}].")  # as MMdnn does
    # Groups of initializers and summaries compute nothing for anybody: MMdnn is right to leave them out.
    if node.type != "NoOp" and not node.type.endswith("Summary"):
        parser.unsupported.append((node.type, node.name))
