"""What keeps the unmodified MMdnn 0.3.1 alive on today's Python, protobuf and torch; see `tensorflow_1` for TensorFlow.

Everything happens in memory, when MMdnn is imported: no file of MMdnn's is changed. Neither framework is imported here.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from tf2torch.errors import InputError, MachineError, UnsupportedError

# The name under which MMdnn imports a generated source, and so the module that a .pth looks for its class in.
MAIN_MODEL = "MainModel"

WAY_ROUND = "docs/mmdnn.md tells what MMdnn can convert."

_GRAPH_PB2 = "mmdnn.conversion.common.IR.graph_pb2"
_ADAPTED = "_adapted_by_tf2torch"


class _OrderedSet(dict[str, None]):
    """A set that remembers the order."""

    def add(self, item: str) -> None:
        self[item] = None


class Node(Protocol):
    """A node of MMdnn's graphs, as far as we use it."""

    name: str
    type: str
    variable_name: str

    def get_attr(self, name: str) -> list[Any]: ...


class Converter(Protocol):
    """A parser or an emitter of MMdnn's, with the operations that it does not know."""

    unsupported: list[tuple[str, str]]


class Emitter(Converter, Protocol):
    """MMdnn's PytorchEmitter, as far as we use it."""

    IR_graph: Any
    used_layers: _OrderedSet

    def parent_variable_name(self, node: Node) -> str: ...


@contextmanager
def adapted(*, tensorflow: bool = False) -> Iterator[None]:
    """Inside the block, MMdnn imports and works; with `tensorflow`, so do its parts that need TensorFlow 1.

    Repeating it changes nothing. Modules that stand in for removed ones are gone again after the block.
    """
    require("mmdnn", "MMdnn", "Install it with `pip install --no-deps mmdnn==0.3.1`, or work in the project's images.")
    rebuild_graph_pb2()
    stand_ins = removed_from_python()
    if tensorflow:
        from tf2torch.engines.mmdnn import tensorflow_1

        stand_ins = {**stand_ins, **tensorflow_1.stand_ins()}
    with modules(stand_ins):
        adapt_pytorch_emitter()
        if tensorflow:
            tensorflow_1.adapt_parsers()
        yield


def require(module: str, name: str, remedy: str) -> None:
    """Raises MachineError if a package is not installed."""
    if importlib.util.find_spec(module) is None:
        raise MachineError(f"{name} is not installed here. {remedy}")


@contextmanager
def modules(stand_ins: Mapping[str, ModuleType]) -> Iterator[None]:
    """Importing one of these names gives the stand-in inside the block, and what it gave before after it."""
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def module(name: str, **attributes: object) -> ModuleType:
    """A module made of these attributes."""
    made = ModuleType(name)
    vars(made).update(attributes)
    return made


def load_source(name: str, path: str | Path) -> ModuleType:
    """Runs a source file as the module `name`, as imp.load_source did, and leaves it in sys.modules.

    Unlike that function it neither writes nor reads a bytecode file, which outlives a source rewritten within a second.
    """
    try:
        code = compile(Path(path).read_bytes(), str(path), "exec")
    except SyntaxError as error:
        raise InputError(f"{path} is not a Python source: {error}. Generate it again with mmtocode.") from error
    loaded = module(name, __file__=str(path))
    before = sys.modules.get(name)
    sys.modules[name] = loaded
    try:
        exec(code, vars(loaded))
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    return loaded


def removed_from_python() -> dict[str, ModuleType]:
    """Stand-ins for `imp` and `distutils`: deprecated in Python 3.11 (a warning for our user), gone from 3.12.

    MMdnn's mmtomodel takes load_source from the one, its parser of frozen graphs LooseVersion from the other.
    """
    version = module("distutils.version", LooseVersion=_version)
    return {
        "imp": module("imp", load_source=load_source),
        "distutils": module("distutils", __path__=[], version=version),
        "distutils.version": version,
    }


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def rebuild_graph_pb2() -> None:
    """Makes MMdnn's protobuf module anew from the serialized descriptor inside MMdnn's own file.

    The module was generated in 2017. Newer protobufs refuse it; pure Python loads it, but without `oneof`, and with
    wrong results. The pool is our own, because TensorFlow and ONNX have messages of the same names.
    """
    if hasattr(sys.modules.get(_GRAPH_PB2), _ADAPTED):
        return
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto.FromString(_serialized_descriptor()))
    file = pool.FindFileByName("graph.proto")
    contents: dict[str, object] = {_ADAPTED: True}
    for name, message in file.message_types_by_name.items():
        contents[name] = message_factory.GetMessageClass(message)
    for name, enumeration in file.enum_types_by_name.items():
        contents[name] = EnumTypeWrapper(enumeration)
        contents.update({value.name: value.number for value in enumeration.values})
    rebuilt = module(_GRAPH_PB2, **contents)
    parent, _, child = _GRAPH_PB2.rpartition(".")
    sys.modules[_GRAPH_PB2] = rebuilt
    setattr(importlib.import_module(parent), child, rebuilt)


def _serialized_descriptor() -> bytes:
    """The bytes in `serialized_pb=_b('...')`, read without running MMdnn's module."""
    spec = importlib.util.find_spec(_GRAPH_PB2)
    if spec is None or spec.origin is None:
        raise MachineError("The installed mmdnn has no graph_pb2.py: this adapter knows MMdnn 0.3.1 only.")
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "serialized_pb" and isinstance(node.value, ast.Call):
            text: str = ast.literal_eval(node.value.args[0])
            return text.encode("latin1")
    raise MachineError("MMdnn's graph_pb2.py holds no serialized descriptor: this adapter knows MMdnn 0.3.1 only.")


@cache
def adapt_pytorch_emitter() -> None:
    """Changes methods of MMdnn's PytorchEmitter in place, once."""
    from mmdnn.conversion.pytorch.pytorch_emitter import PytorchEmitter

    PytorchEmitter.gen_code = _whole_and_ordered(PytorchEmitter.gen_code)
    PytorchEmitter.emit_Squeeze = _emit_squeeze
    PytorchEmitter.emit_Softmax = _emit_softmax
    PytorchEmitter.emit_UNKNOWN = _emit_unknown
    PytorchEmitter.emit_Gather = _emit_unknown  # MMdnn's own is an empty stub, and so drops the operation


def _whole_and_ordered(gen_code: Callable[[Emitter, str], str]) -> Callable[[Emitter, str], str]:
    """Two faults of gen_code. It prints its helpers in the order of a set of strings, which differs from run to run;
    and it drops an operation that it does not know, says so on the terminal only, and goes on.
    """

    def generate(emitter: Emitter, phase: str) -> str:
        emitter.used_layers = _OrderedSet()
        with refusing(emitter, "mmtocode"):
            return gen_code(emitter, phase)

    return generate


def _emit_unknown(emitter: Emitter, node: Node) -> None:
    print(node.name)  # as MMdnn does
    emitter.unsupported.append((node.type, node.name))


@contextmanager
def refusing(converter: Converter, command: str) -> Iterator[None]:
    """Raises UnsupportedError after the block if it has put anything in `converter.unsupported`, all of it at once.

    That is so too if the block crashes: what follows a dropped operation often does.
    """
    converter.unsupported = []
    crash: Exception | None = None
    try:
        yield
    except Exception as error:
        if not converter.unsupported:
            raise
        crash = error
    by_type: dict[str, list[str]] = {}
    for operation, name in converter.unsupported:
        by_type.setdefault(operation, []).append(name)
    if by_type:
        listed = "; ".join(f"{operation} ({', '.join(names)})" for operation, names in sorted(by_type.items()))
        raise UnsupportedError(
            f"MMdnn ({command}) does not know these operations: {listed}. "
            f"If they are no part of the network, name its output (-node). {WAY_ROUND}"
        ) from crash


def _emit_squeeze(emitter: Emitter, node: Node) -> str:
    """Names the axes that TensorFlow squeezes, moved to PyTorch's order.

    MMdnn squeezes every axis of size 1, and so loses the batch axis of a single image: [1001] instead of [1, 1001].
    """
    axes = node.get_attr("axes")  # none: all of size 1, in TensorFlow as well
    arguments = emitter.parent_variable_name(node)
    if axes:
        rank = _rank_of_input(emitter, node)
        arguments += f", {tuple(sorted(_channels_first(axis % rank, rank) for axis in axes))}"
    return f"{node.variable_name:<15} = torch.squeeze({arguments})"


def _emit_softmax(emitter: Emitter, node: Node) -> str:
    """Names the axis. Without one, torch warns that it guesses, and of three dimensions it takes the batch."""
    axis = 1 if _rank_of_input(emitter, node) > 2 else -1
    return f"{node.variable_name:<15} = F.softmax({emitter.parent_variable_name(node)}, dim={axis})"


def _rank_of_input(emitter: Emitter, node: Node) -> int:
    return len(emitter.IR_graph.get_parent(node.name, [0]).get_attr("_output_shapes")[0].dim)


def _channels_first(axis: int, rank: int) -> int:
    """Where an axis of an image batch (NHWC, NDHWC) lies in MMdnn's PyTorch code (NCHW, NCDHW)."""
    if rank < 4 or axis == 0:
        return axis
    return 1 if axis == rank - 1 else axis + 1
