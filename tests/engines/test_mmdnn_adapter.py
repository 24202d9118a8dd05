"""The adaptations one by one. Whatever imports MMdnn or a framework runs in a child process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tf2torch.engines.mmdnn import adapter, failures
from tf2torch.errors import InputError, MachineError, UnsupportedError

FRAMEWORKS = ("tensorflow", "torch")
Run = Callable[..., object]


class _Converter:
    unsupported: list[tuple[str, str]]


def test_a_source_is_run_anew_and_leaves_no_bytecode(tmp_path: Path) -> None:
    source = tmp_path / "generated.py"
    for value in ("1", "2"):
        source.write_text(f"value = {value}")
        loaded = adapter.load_source("generated_for_test", source)
        assert loaded.value == int(value)
        assert sys.modules.pop("generated_for_test") is loaded
    assert list(tmp_path.iterdir()) == [source]


def test_a_broken_source_leaves_the_module_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ModuleType("generated_for_test")
    monkeypatch.setitem(sys.modules, "generated_for_test", before)
    source = tmp_path / "generated.py"
    source.write_text("1 / 0")
    with pytest.raises(ZeroDivisionError):
        adapter.load_source("generated_for_test", source)
    source.write_text("class KitModel(")
    with pytest.raises(InputError, match="mmtocode"):
        adapter.load_source("generated_for_test", source)
    assert sys.modules["generated_for_test"] is before


def test_stand_ins_are_gone_after_the_block() -> None:
    import json

    stand_in = adapter.module("json", answer=42)
    with adapter.modules({"json": stand_in, "never_there": stand_in}):
        import json as inside

        assert inside.answer == 42  # type: ignore[attr-defined]  # that is the stand-in
    assert sys.modules["json"] is json
    assert "never_there" not in sys.modules


def test_all_unknown_operations_are_named_at_once() -> None:
    converter = _Converter()

    @adapter.refusing(converter, "mmtoir")
    def crashing() -> None:
        converter.unsupported += [("Elu", "a"), ("Cumsum", "b"), ("Elu", "c")]
        raise KeyError("in what follows from them")

    with pytest.raises(UnsupportedError) as caught:
        crashing()
    assert "Cumsum (b); Elu (a, c)" in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_error_of_ours_is_not_blamed_on_mmdnn() -> None:
    with pytest.raises(TypeError, match="ours"), failures.told("mmtoir"):
        raise TypeError("ours")


@pytest.mark.parametrize(
    ("axes", "rank", "expected"),
    [([1, 2], 4, [2, 3]), ([-1], 4, [1]), ([3], 4, [1]), ([0], 4, [0]), ([1], 2, [1]), ([1, 2, 3], 5, [2, 3, 4])],
)
def test_axes_move_to_the_order_of_pytorch(axes: list[int], rank: int, expected: list[int]) -> None:
    assert [adapter._channels_first(axis % rank, rank) for axis in axes] == expected


def test_without_mmdnn_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mmdnn", None)  # type: ignore[arg-type]  # None is how Python notes a missing module
    with pytest.raises(MachineError, match="MMdnn is not installed"), adapter.adapted():
        pass


def test_messages_keep_their_oneof_and_neither_framework_is_needed(python: Run, tmp_path: Path) -> None:
    pytest.importorskip("mmdnn")
    python(
        """
from tf2torch.engines.mmdnn import adapter
for _ in range(2):  # the second time changes nothing
    with adapter.adapted():
        from mmdnn.conversion.common.IR import graph_pb2
        first = sys.modules[graph_pb2.__name__]
        import imp, distutils.version
        assert imp.load_source is adapter.load_source
        from mmdnn.conversion.pytorch.pytorch_emitter import PytorchEmitter
        generate = PytorchEmitter.gen_code
assert first is graph_pb2 and generate is PytorchEmitter.gen_code
assert getattr(sys.modules.get("imp"), "load_source", None) is not adapter.load_source
attribute = graph_pb2.AttrValue(i=0)
assert attribute.WhichOneof("value") == "i"
attribute.s = b"text"
assert attribute.WhichOneof("value") == "s" and attribute.i == 0
assert graph_pb2.DataType.Name(graph_pb2.DT_FLOAT32) == "DT_FLOAT32"
""",
        hide=FRAMEWORKS,
        cwd=tmp_path,
    )


def test_softmax_names_the_channels(python: Run, tmp_path: Path) -> None:
    """And a squeeze that names no axis stays one."""
    pytest.importorskip("mmdnn")
    python(
        """
from pathlib import Path
import numpy as np
from tf2torch.engines.mmdnn import adapter, commands
with adapter.adapted():
    from mmdnn.conversion.common.IR import graph_pb2
def node(name, op, *inputs, rank):
    made = graph.node.add(name=name, op=op, input=inputs)
    shape = made.attr["_output_shapes"].list.shape.add()
    for size in range(1, rank + 1):
        shape.dim.add(size=size)
graph = graph_pb2.GraphDef()
node("image", "DataInput", rank=4)
node("images", "Softmax", "image", rank=4)
node("flat", "Squeeze", "images", rank=2)
node("classes", "Softmax", "flat", rank=2)
Path("ir.pb").write_bytes(graph.SerializeToString())
np.save("ir.npy", {})
commands.to_code(Path("ir"), Path("code.py"), Path("code.npy"))
source = Path("code.py").read_text()
assert "F.softmax(x, dim=1)" in source and "torch.squeeze(images)" in source and "F.softmax(flat, dim=-1)" in source
""",
        hide=FRAMEWORKS,
        cwd=tmp_path,
    )
