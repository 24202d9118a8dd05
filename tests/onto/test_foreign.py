"""A converted network's weights under the keys of one that others wrote."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
import pairs
import torch
from torch import nn

from tf2torch.errors import InputError, MachineError, Tf2TorchError, UsageError
from tf2torch.onto import foreign
from tf2torch.onto.foreign import Mapped
from tf2torch.onto.wiring import layers

FILE = Path(pairs.__file__)
NAMES = {"0": "conv", "1": "bn"}


def put(ours: nn.Module, theirs: nn.Module) -> Mapped:
    return foreign.put(ours, theirs.eval(), [pairs.images()])


def expected(theirs: nn.Module) -> dict[str, str]:
    """Their keys -> ours."""
    found = {f"{their}.{kind}": f"{our}.{kind}" for their, our in pairs.PARTS.items() for kind in ("weight", "bias")}
    for their, our in pairs.LAYERS.items():
        for key in theirs.state_dict():
            if key.startswith(f"{their}."):
                _, part, kind = key.split(".")
                found[key] = f"{our}.{NAMES[part]}.{kind}"
    return found


def test_by_structure_and_shape() -> None:
    """A shortcut has the shape of what it goes beside, and two branches begin alike: the wiring tells them."""
    ours, theirs = pairs.seeded(pairs.Ours()), pairs.Theirs()
    mapped = put(ours, theirs)
    own = ours.state_dict()
    wanted = expected(theirs)
    assert mapped.state.keys() == theirs.state_dict().keys() == wanted.keys()
    counters = [key for key in wanted if key.endswith("num_batches_tracked")]
    assert {key for key in wanted if not torch.equal(mapped.state[key].squeeze(), own[wanted[key]].squeeze())} == set()
    assert (mapped.ours_left, mapped.theirs_left, mapped.differ) == ((), (), ())
    assert mapped.count == len(wanted) - len(counters)
    theirs.load_state_dict(dict(mapped.state))
    assert foreign.compare(ours, theirs, [pairs.images()]) < 1e-12
    assert not ours.get_parameter("stem.bn.weight").requires_grad, "what is fixed stays so"


def test_statistics_of_other_names_go_by_their_order() -> None:
    ours, theirs = pairs.seeded(pairs.Ours()), pairs.Theirs(norm=pairs.Norm)
    mapped = put(ours, theirs)
    assert mapped.theirs_left == ()
    theirs.load_state_dict(dict(mapped.state))
    assert foreign.compare(ours, theirs, [pairs.images()]) < 1e-12


def test_what_has_no_counterpart_is_listed() -> None:
    """A head for other classes changes nothing for the layers before it."""
    ours, theirs = pairs.seeded(pairs.Ours()), pairs.Theirs(classes=7)
    mapped = put(ours, theirs)
    assert (mapped.theirs_left, mapped.ours_left) == (("fc.weight", "fc.bias"), ("logits.weight", "logits.bias"))
    assert mapped.state.keys() == theirs.state_dict().keys() - {"fc.weight", "fc.bias"}
    assert torch.equal(mapped.state["branch1.weight"], ours.state_dict()["straight.weight"])
    assert torch.equal(mapped.state["downsample.0.weight"], ours.state_dict()["shortcut.conv.weight"])


def test_settings_that_differ_are_named() -> None:
    ours, theirs = pairs.seeded(pairs.Ours()), pairs.Theirs(eps=0.1)
    mapped = put(ours, theirs)
    assert mapped.differ[0] == "conv1.1: eps 0.1, converted 0.001"
    assert len(mapped.differ) == len(pairs.LAYERS)
    theirs.load_state_dict(dict(mapped.state))
    assert foreign.compare(ours, theirs, [pairs.images()]) > 1e-3


@pytest.mark.parametrize("keys", [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_what_is_tied_or_runs_twice(keys: tuple[int, int]) -> None:
    ours, theirs = (pairs.Tied(keys=count) for count in keys)
    pairs.seeded(ours)
    given = [torch.randn(2, 6)]
    mapped = foreign.put(ours, theirs, given)
    assert mapped.theirs_left == ()
    theirs.load_state_dict(dict(mapped.state))
    assert foreign.compare(ours, theirs, given) < 1e-12


def test_layers_of_a_run() -> None:
    ours = pairs.Ours()
    found = {layer.keys[0]: layer for layer in layers(ours, [pairs.images()])}
    numbers = list(found)
    before = {key: {(place, numbers[at] if at >= 0 else "input") for place, at in found[key].before} for key in found}
    assert found["stem.bn.weight"].keys == ("stem.bn.weight", "stem.bn.bias")
    assert found["logits.weight"].shapes == ((5, 10), (5,))
    assert before["stem.conv.weight"] == {((), "input")}
    ends = {((), "shortcut.bn.weight"), ((), "second.bn.weight")}
    assert before["again.0.conv.weight"] == ends
    assert before["straight.weight"] == {*ends, ((), "again.1.bn.weight")}
    assert before["logits.weight"] == {((0,), "straight.weight"), ((1,), "wide.weight")}


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("timm:resnet50", MachineError, "pip install timm"),
        (f"{FILE}:nothing", UsageError, "no nothing to call"),
        (f"{FILE}:no_network", InputError, "gives a int, not an nn.Module"),
        (f"{FILE}:raises", InputError, "raised OSError: no such file"),
        ("no_such_package.module:factory", UsageError, "cannot be imported"),
        ("no_such_file.py:factory", UsageError, "cannot be imported"),
        (":factory", UsageError, "cannot be imported"),
    ],
)
def test_networks_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, name: str, error: type[Tf2TorchError], message: str
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(error, match=message):
        foreign.build(name, 5)


def test_networks_of_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    class Timm:
        made = staticmethod(pairs.Theirs)
        is_model = staticmethod("resnet50".__eq__)
        list_models = staticmethod(lambda _: ["resnet50", "resnet101"])

        @classmethod
        def create_model(cls, _: str, *, pretrained: bool, num_classes: int) -> nn.Module:
            assert not pretrained
            return cls.made(num_classes)

    monkeypatch.setitem(sys.modules, "timm", Timm)
    made = foreign.build("timm:resnet50", 7)
    assert not made.training
    assert made.get_parameter("fc.bias").shape == (7,)
    with pytest.raises(UsageError, match=r"no network 'resnet5'.*resnet101"):
        foreign.build("timm:resnet5", 0)


def test_a_network_for_other_inputs() -> None:
    with pytest.raises(InputError, match=r"cannot run on what the converted one takes, \[2, 3, 6, 6\]"):
        put(pairs.seeded(pairs.Ours()), pairs.other_input())


@pytest.mark.parametrize(("ours", "theirs", "error"), [(2, 2, 0.0), (None, 2, 0.0), (2, 7, 1.0)])
def test_every_output_is_compared(ours: float | None, theirs: float, error: float) -> None:
    """What the other network gives besides is its own."""
    networks = pairs.seeded(pairs.Ours()), pairs.seeded(pairs.Ours())
    own = networks[0] if ours is None else pairs.Several(networks[0], ours)
    found = foreign.compare(own, pairs.Several(networks[1], theirs), [pairs.images()])
    assert found < 1e-12 if error == 0 else found > error


def test_an_output_too_few() -> None:
    ours = pairs.Several(pairs.seeded(pairs.Ours()), 2)
    with pytest.raises(InputError, match="gives 1 of the 2 outputs"):
        foreign.compare(ours, pairs.seeded(pairs.Ours()), [pairs.images()])
