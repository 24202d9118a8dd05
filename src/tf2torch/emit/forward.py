"""The body of a forward: statements that read like a person's, chains nested as far as a line goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tf2torch.emit.code import Numbers, Text, Uses, function
from tf2torch.ir.types import Node, Slot, Value
from tf2torch.ops.expr import Call
from tf2torch.outline import names
from tf2torch.outline.attributes import attributes
from tf2torch.outline.shape import columns, node_columns
from tf2torch.outline.structure import Block, Cells, Step

WIDTH = 100  # of an expression; with indentation and assignment it fits into 120 columns


@dataclass(slots=True)
class _Body:
    block: Block
    uses: Uses
    statements: list[str] = field(default_factory=list)
    texts: dict[Value, Text] = field(default_factory=dict)
    variables: dict[Value, frozenset[str]] = field(default_factory=dict)  # that a text mentions
    unread: dict[Value, int] = field(default_factory=dict)  # how often it is still to be read
    called: dict[Value, str] = field(default_factory=dict)  # what it is called if it needs a name


def statements(block: Block, inputs: Mapping[Value, str], numbers: Numbers, uses: Uses) -> list[str]:
    """The statements of a block's forward, the last one a return."""
    body = _Body(block, uses)
    for value, name in inputs.items():
        body.texts[value], body.variables[value] = Text(name), frozenset({name})
    for value, name in names.weights(block).items():
        body.texts[value], body.variables[value] = Text(f"self.{name}"), frozenset()
    for value in [value for step in block.steps for value in _reads(step)] + block.outputs:
        body.unread[value] = body.unread.get(value, 0) + 1
    for step, attribute in zip(block.steps, attributes(block), strict=True):
        _step(body, step, attribute, numbers)
    result = ", ".join(body.texts[value].source for value in block.outputs)
    body.statements.append(f"return {result}")
    return body.statements


def _step(body: _Body, step: Step, attribute: str | None, numbers: Numbers) -> None:
    taken = _numbers_of(step, numbers)
    text = _text(body, step, attribute, taken)
    if len(text.source) > WIDTH:
        for value in dict.fromkeys(step.inputs):
            if body.texts[value].source not in body.variables[value] and "(" in body.texts[value].source:
                _assign(body, (value,), body.texts[value], body.called.get(value, ""))
        text = _text(body, step, attribute, taken)
    mentioned = frozenset().union(*(body.variables[value] for value in step.inputs))
    for value in _reads(step):
        body.unread[value] -= 1
    for value in step.outputs:
        body.texts[value], body.variables[value] = text, mentioned
        body.called[value] = attribute or value.name.rpartition("/")[2]
    if len(step.outputs) > 1 or body.unread.get(step.outputs[0], 0) > 1:
        _assign(body, step.outputs, text, "previous" if isinstance(step.target, Cells) else step.name)


def _reads(step: Step) -> list[Value]:
    """The inputs of a step, each as often as its text mentions it."""
    if not isinstance(step.target, Node):
        return list(step.inputs)
    return [step.inputs[index] for index in _slots([*step.target.attrs["args"], *step.target.attrs["kwargs"].values()])]


def _slots(argument: Any) -> Iterator[int]:
    match argument:
        case Slot(index):
            yield index
        case Call(args=items) | list(items) | tuple(items):
            for item in items:
                yield from _slots(item)
        case slice(start=start, stop=stop, step=step):
            yield from _slots([start, stop, step])


def _numbers_of(step: Step, numbers: Numbers) -> list[str]:
    """The numbers of one step, kept, because its text may be made twice."""
    if isinstance(step.target, Node):
        count = sum(1 for _ in node_columns(step))
    else:
        count = 0 if step.is_argument else len(columns(step.target))
    return [numbers.next() for _ in range(count)]


def _text(body: _Body, step: Step, attribute: str | None, numbers: list[str]) -> Text:
    inputs = [body.texts[value] for value in step.inputs]
    if isinstance(step.target, Node):
        return function(step.target, inputs, Numbers(iter(numbers)), body.uses)
    return Text(f"self.{attribute}({', '.join(text.source for text in inputs)})")


def _assign(body: _Body, values: tuple[Value, ...], text: Text, wanted: str) -> None:
    """Gives values names of their own: x where nobody needs the old x any more, else what the author called them."""
    used = frozenset().union(
        *(body.variables[value] for value in body.texts if body.unread.get(value, 0) > 0 and value not in values)
    )
    result: list[str] = []
    for value in values:
        read = body.unread.get(value, 0) > 0
        free = [name for name in ("x", names.snake(wanted)) if name not in used and name not in result]
        name = (free[0] if free else _numbered(names.snake(wanted), used | set(result))) if read else "_"
        result.append(name)
        body.texts[value], body.variables[value] = Text(name), frozenset({name})
    body.statements.append(f"{', '.join(result)} = {text.source}")


def _numbered(name: str, used: frozenset[str]) -> str:
    number = 2
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"
