"""Batch norm in all its forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.passes.documented import assert_shows, runs
from tf2torch.ir.printer import parse
from tf2torch.ir.types import Graph, Node
from tf2torch.passes.norms import norms


@runs(norms)
def test_what_the_docstring_shows(function: Callable[[Graph], Graph], before: str, after: str) -> None:
    assert_shows(function, before, after)


def graph(*lines: str, x: str = "?, 5, 5, 4", vector: str = "4") -> Graph:
    """A graph of x and the four vectors whose nodes are `lines`, "name = Op(...)"; a vector is n in [n], else an x."""
    given = ["mean", "variance", "gamma", "beta"]
    head = [f"input %x: float32[{x}]", *(f"param %{name}: float32[{vector}] trainable" for name in given)]
    constants = [f'%{name}: float32[] = Const(value=array("float32", {n}))' for name, n in (("e", 0.001), ("one", 1.0))]
    nodes = []
    for line in lines:
        name, _, call = line.partition(" = ")
        shape = vector if name[0] == "v" else x
        nodes.append(f"%{name}: float32[{shape}] = {call}")
    return parse("\n".join([*head, *constants, *nodes, f"output %{lines[-1].partition(' ')[0]}"]))


DEVIATION = ("v1 = AddV2(%variance, %e)", "v2 = Rsqrt(%v1)")
SQRT = ("v1 = Add(%e, %variance)", "v2 = Sqrt(%v1)", "c = Sub(%x, %mean)")
FORMS = {
    "no gamma": (*DEVIATION, "a = Mul(%x, %v2)", "v3 = Mul(%mean, %v2)", "v4 = Sub(%beta, %v3)", "y = AddV2(%a, %v4)"),
    "no beta": (
        *DEVIATION,
        "v3 = Mul(%v2, %gamma)",
        "a = Mul(%v3, %x)",
        "v4 = Neg(%mean)",
        "v5 = Mul(%v4, %v3)",
        "y = Add(%v5, %a)",
    ),
    "neither": (*DEVIATION, "a = Mul(%x, %v2)", "v3 = Mul(%mean, %v2)", "y = Sub(%a, %v3)"),
    "centred": (*DEVIATION, "c = Sub(%x, %mean)", "v3 = Mul(%gamma, %v2)", "a = Mul(%c, %v3)", "y = Add(%a, %beta)"),
    "centred, gamma later": (
        *DEVIATION,
        "c = Sub(%x, %mean)",
        "a = Mul(%c, %v2)",
        "b = Mul(%a, %gamma)",
        "y = Add(%b, %beta)",
    ),
    "divided": (*SQRT, "a = RealDiv(%c, %v2)", "b = Mul(%gamma, %a)", "y = AddV2(%beta, %b)"),
    "gamma first": (*SQRT, "a = Mul(%gamma, %c)", "b = RealDiv(%a, %v2)", "y = AddV2(%b, %beta)"),
    "gamma divided": (*SQRT, "v3 = RealDiv(%gamma, %v2)", "a = Mul(%c, %v3)", "y = AddV2(%a, %beta)"),
    "only divided": (*SQRT, "y = RealDiv(%c, %v2)"),
    "one over": (*SQRT, "v3 = RealDiv(%one, %v2)", "y = Mul(%c, %v3)"),
}
ABSENT = {"no gamma": "beta", "no beta": "gamma", "neither": "", "only divided": "", "one over": ""}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("x", ["?, 4", "?, 7, 4", "?, 5, 5, 4", "?, 3, ?, 5, 4"])
def test_every_form_is_one_node(form: str, x: str) -> None:
    before = graph(*FORMS[form], x=x)
    (node,) = norms(before).nodes
    wanted = ["x", "mean", "variance", *ABSENT.get(form, "gamma beta").split()]
    assert node.op == "batch_norm"
    assert [value.name for value in node.inputs] == wanted
    assert (node.attrs["has_gamma"], node.attrs["has_beta"]) == ("gamma" in wanted, "beta" in wanted)
    assert node.attrs["epsilon"] == 0.001
    assert node.output is before.outputs[0]
    assert node.origin == tuple(line.partition(" ")[0] for line in FORMS[form])


def test_decay() -> None:
    def decay(of: Graph) -> float:
        return float(last(norms(of)).attrs["decay"])

    bare, known = fused("FusedBatchNorm", training=False), {"batch_norm_decay": 0.9}
    own = fused("FusedBatchNorm", training=False, decay=", decay=0.997")
    assert (decay(bare), decay(replace(bare, info=known))) == (0.999, 0.9)
    assert (decay(own), decay(replace(own, info=known))) == (0.997, 0.997)
    assert decay(replace(graph(*FORMS["centred"]), info=known)) == 0.9


def test_only_the_statistics_become_buffers() -> None:
    kinds = {value.name: param.kind for value, param in norms(graph(*FORMS["centred"])).params.items()}
    assert kinds == {"mean": "buffer", "variance": "buffer", "gamma": "trainable", "beta": "trainable"}


CHANNELS_FIRST = """
input %x: float32[?, 4, 5, 5]
param %mean: float32[4] frozen
param %variance: float32[4] frozen
%m: float32[1, 4, 1, 1] = Reshape(%mean, shape=(1, 4, 1, 1))
%v: float32[1, 4, 1, 1] = Reshape(%variance, shape=(1, 4, 1, 1))
%e: float32[] = Const(value=array("float32", 0.001))
%a: float32[1, 4, 1, 1] = AddV2(%v, %e)
%r: float32[1, 4, 1, 1] = Rsqrt(%a)
%s: float32[?, 4, 5, 5] = Mul(%x, %r)
%t: float32[1, 4, 1, 1] = Mul(%m, %r)
%y: float32[?, 4, 5, 5] = Sub(%s, %t)
output %y
"""


def test_channels_first_by_reshapes() -> None:
    (node,) = norms(parse(CHANNELS_FIRST)).nodes
    assert (node.op, node.attrs["data_format"]) == ("batch_norm", "NCHW")
    assert [value.name for value in node.inputs] == ["x", "mean", "variance"]


def fused(
    op: str, training: bool, outputs: str = "", gamma: str = "%gamma", beta: str = "%beta", decay: str = ""
) -> Graph:
    extra = ", ".join(f"%y{i}: float32[4]" for i in range(1, 6 if op.endswith("V3") else 5))
    return parse(f"""
        input %x: float32[?, 5, 5, 4]
        param %mean: float32[4] frozen
        param %variance: float32[4] frozen
        param %gamma: float32[4] trainable
        param %beta: float32[4] trainable
        %ones: float32[4] = Const(value=array("float32", [1.0, 1.0, 1.0, 1.0]))
        %zeros: float32[4] = Const(value=array("float32", [0.0, 0.0, 0.0, 0.0]))
        %y: float32[?, 5, 5, 4], {extra} = {op}(%x, {gamma}, {beta}, %mean, %variance, \
            epsilon=0.0010000000474974513, is_training={training}{decay})
        output %y
        {outputs}""")


@pytest.mark.parametrize("op", ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"])
def test_fused(op: str) -> None:
    node = last(norms(fused(op, training=False)))
    assert (node.op, node.attrs["epsilon"], node.attrs["data_format"]) == ("batch_norm", 0.001, "NHWC")
    assert [value.name for value in node.inputs] == ["x", "mean", "variance", "gamma", "beta"]
    assert len(node.outputs) == 1


def test_constants_that_do_nothing_are_absent() -> None:
    result = norms(fused("FusedBatchNorm", training=False, gamma="%ones", beta="%zeros"))
    assert [value.name for value in last(result).inputs] == ["x", "mean", "variance"]
    assert last(norms(fused("FusedBatchNorm", training=False, beta="%ones"))).attrs["has_beta"]


def test_left_alone() -> None:
    assert last(norms(fused("FusedBatchNorm", training=True))).op == "FusedBatchNorm"
    assert last(norms(fused("FusedBatchNorm", training=False, outputs="output %y1"))).op == "FusedBatchNorm"
    scale_is_read = graph(*FORMS["centred"], "z = Mul(%y, %v2)")
    assert "batch_norm" not in {node.op for node in norms(scale_is_read).nodes}
    one_number = graph(*FORMS["neither"], vector="1")
    assert "batch_norm" not in {node.op for node in norms(one_number).nodes}


FLAT = """
input %x: float32[?, 4]
param %mean: float32[4] frozen
param %variance: float32[4] frozen
param %gamma: float32[4] trainable
param %beta: float32[4] trainable
%image: float32[?, 1, 1, 4] = Reshape(%x, shape=(-1, 1, 1, 4))
%f: float32[?, 1, 1, 4], %f1: float32[4], %f2: float32[4], %f3: float32[4], %f4: float32[4] = FusedBatchNorm( \
    %image, %gamma, %beta, %mean, %variance, is_training=False)
%y: float32[?, 4] = Reshape(%f, shape=(-1, 4))
output %y
"""


def test_reshapes_around_a_fused_one_go() -> None:
    (node,) = norms(parse(FLAT)).nodes
    assert (node.op, node.inputs[0].name, node.attrs["epsilon"]) == ("batch_norm", "x", 0.0001)
    assert node.origin == ("image", "f", "y")


def last(result: Graph) -> Node:
    """The node that computes the output."""
    return result.producers()[result.outputs[0]]


MOMENTS = """
input %x: float32[?, 5, 5, 4]
%mean: float32[?, 1, 1, 4] = Mean(%x, keep_dims={keep}, reduction_indices={first})
%d: float32[?, 5, 5, 4] = SquaredDifference(%x, %mean)
%variance: float32[?, 1, 1, 4] = Mean(%d, keep_dims={keep}, reduction_indices={second})
%e: float32[] = Const(value=array("float32", 0.001))
%a: float32[?, 1, 1, 4] = AddV2(%variance, %e)
%r: float32[?, 1, 1, 4] = Rsqrt(%a)
%c: float32[?, 5, 5, 4] = Sub(%x, %mean)
%y: float32[?, 5, 5, 4] = Mul(%c, %r)
output %y
"""


@pytest.mark.parametrize(
    ("first", "second", "keep", "op"),
    [
        ("(1, 2)", "(-3, -2)", True, "instance_norm"),
        ("-1", "(3,)", True, "layer_norm"),
        ("(1, 2)", "(1, 2)", False, "Mul"),
        ("(1, 2)", "(2, 3)", True, "Mul"),
        ("(0, 1, 2)", "(0, 1, 2)", True, "Mul"),  # of the batch: passes do not touch what is for training
        ("(1, 2, 3)", "(1, 2, 3)", True, "Mul"),
    ],
)
def test_norms_by_their_own_moments(first: str, second: str, keep: bool, op: str) -> None:
    result = norms(parse(MOMENTS.format(first=first, second=second, keep=keep)))
    assert last(result).op == op
    assert (len(result.nodes) == 1) == (op != "Mul")
