"""The matcher of small graphs."""

from __future__ import annotations

import pytest

from tf2torch.ir.match import Index, Match, add, anything, either, find, mul, number, op, rewrite, weight
from tf2torch.ir.printer import parse, text
from tf2torch.ir.types import Graph, Node
from tf2torch.ir.verify import check

CHAIN = """
input %x: float32[?, 4]
param %w: float32[4] trainable
%two: float32[] = Const(value=array("float32", 2.0))
%a: float32[?, 4] = Mul(%w, %x)
%b: float32[?, 4] = AddV2(%two, %a)
%c: float32[?, 4] = Mul(%b, %b)
"""


def graph(more: str = "output %c") -> Graph:
    return parse(CHAIN + more)


def last(of: Graph) -> Node:
    return of.producers()[of.outputs[0]]


def rewritten(of: Graph) -> list[str]:
    """What (w * x + 2) becomes "affine"."""
    x, w, two = anything(), weight(), number(2.0)
    result = rewrite(of, (add(mul(x, w), two), lambda match: match.merged("affine", x, w)))
    check(result, "rewrite")
    return text(result).splitlines()


def test_operands_that_commute_are_found_in_either_order() -> None:
    assert rewritten(graph()) == [
        "input %x: float32[?, 4]",
        "param %w: float32[4] trainable",
        "%b: float32[?, 4] = affine(%x, %w)",
        "%c: float32[?, 4] = Mul(%b, %b)",
        "output %c",
    ]


def test_the_result_is_the_same_value_and_says_what_it_came_from() -> None:
    before = graph("output %b")
    x = anything()
    after = rewrite(before, (op("AddV2", number(), mul(anything(), x)), lambda match: match.merged("some", x)))
    (node,) = after.nodes
    assert node.output is before.outputs[0]
    assert node.origin == ("a", "b")


@pytest.mark.parametrize("reader", ["output %a", "%d: float32[?, 4] = Relu(%a)\noutput %d"])
def test_what_somebody_else_reads_stays(reader: str) -> None:
    before = graph(f"output %c\n{reader}")
    assert rewritten(before) == text(before).splitlines()


def test_what_only_a_size_is_read_of_stays() -> None:
    before = graph("%d: float32[?] = Reshape(%c, shape=(operator.mul(size(%a, 0), 4),))\noutput %d")
    assert rewritten(before) == text(before).splitlines()


def test_a_pattern_that_occurs_twice_is_one_value() -> None:
    x = anything()
    here = graph()
    match = find(Index(here), mul(x, x), last(here))
    assert match is not None
    assert match[x].name == "b"
    other = graph("output %a")
    assert find(Index(other), mul(x, x), last(other)) is None


def test_choices_and_further_inputs() -> None:
    here = graph("output %b")
    x, left = anything(), op("Relu", anything())
    right = op("Mul", x, ...)
    match = find(Index(here), add(number(), either(left, right)), last(here))
    assert match is not None
    assert (left in match, right in match, match.node(right).name, match[x].name) == (False, True, "a", "w")
    assert find(Index(here), op("AddV2", x), last(here)) is None


def test_of_matches_within_each_other_the_larger_wins() -> None:
    def build(match: Match) -> Node:
        return match.merged("larger" if len(match.nodes) == 2 else "smaller", *match.nodes[0].inputs)

    product = mul(anything(), anything())
    (node,) = (
        node
        for node in rewrite(graph("output %b"), (product, build), (add(product, number()), build)).nodes
        if node.op != "Const"
    )
    assert node.op == "larger"


def test_a_rule_may_decline() -> None:
    here = graph()
    assert rewrite(here, (mul(anything(), anything()), lambda _: None)) is here


def test_a_number_is_what_its_author_meant() -> None:
    here = graph("output %b")
    two = number()
    match = find(Index(here), add(two, anything()), last(here))
    assert match is not None
    assert match.number(two) == 2
    for wanted in (2.000001, 2.0):
        assert find(Index(here), add(number(wanted), anything()), last(here))
    for unwanted in (2.00001, -2.0):
        assert not find(Index(here), add(number(unwanted), anything()), last(here))
