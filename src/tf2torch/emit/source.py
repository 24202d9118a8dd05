"""A class of the outline as Python source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from tf2torch.emit import forward
from tf2torch.emit.code import Numbers, Text, Uses, function, literal
from tf2torch.emit.constructor import Constructors
from tf2torch.ir.types import Kind, Node, Value
from tf2torch.outline import names
from tf2torch.outline.attributes import attributes
from tf2torch.outline.classes import Argument, Class
from tf2torch.outline.shape import columns, inner_columns, inner_shape, node_columns, weight_columns
from tf2torch.outline.structure import Block, Concat, Leaf, Module, Sequential, substeps

Number = Callable[[int], str | None]


def class_source(known: Class, classes: Mapping[str, Class], uses: Uses) -> str:
    """The source of a class, without a blank line at its end."""
    others = {shape: one for shape, one in classes.items() if one is not known}
    constructors = Constructors(others, uses)
    given = [f"{name}: nn.Module | None = None" for name in known.given]
    required = [_parameter(argument) for argument in known.arguments if argument.default is None]
    optional = [_parameter(argument) for argument in known.arguments if argument.default is not None]
    signature = ", ".join(["self", *required, *given, *optional])
    base = known.base.name if known.base else _base(known.module, uses)
    lines = [f"class {known.name}({base}):", f'    """{_description(known)}"""', ""]
    if known.base is not None:
        return "\n".join([*lines, *_derived_forward(known, uses)])
    lines.append(f"    def __init__({signature}) -> None:")

    def number(index: int) -> str | None:
        return known.expressions[index]

    if isinstance(known.module, Block):
        lines += [f"        {line}" for line in block_init(known.module, constructors, number, known)]
        lines += ["", *_forward(known.module, known, uses)]
    else:
        elements = ", ".join(constructors.elements(known.module, number))
        lines.append(f"        super().__init__({elements})")
        lines += [f"        {line}" for line in fixed_lines(known.module, others)]
    return "\n".join(lines)


def _derived_forward(known: Class, uses: Uses) -> list[str]:
    """What a class does with the output of its base."""
    assert isinstance(known.module, Block)
    last = known.module.steps[-1]
    inputs = input_names(known.module, known.instances)
    given = Text(f"super().forward({', '.join(inputs.values())})")
    assert isinstance(last.target, Node)  # see classes.bases
    text = function(last.target, [given], Numbers(iter(())), uses).source
    arguments = ", ".join(f"{name}: Tensor" for name in inputs.values())
    return [f"    def forward(self, {arguments}) -> Tensor:", f"        return {text}"]


def _base(module: Module, uses: Uses) -> str:
    if isinstance(module, Concat):
        uses.helpers["Concat"] = None
        return "Concat"
    return "nn.Sequential" if isinstance(module, Sequential) else "nn.Module"


def _parameter(argument: Argument) -> str:
    default = "" if argument.default is None else f" = {literal(argument.default)}"
    return f"{argument.name}: {argument.annotation}{default}"


def _description(known: Class) -> str:
    """Where it is used, in the author's words."""
    called = list(dict.fromkeys(map(names.shown, known.called)))
    uses = f"{len(known.instances)} uses" if len(known.instances) > 1 else "1 use"
    shown = ", ".join(called) if len(called) <= 4 else f"{', '.join(called[:3])}, ..."
    return f"{shown} ({uses})."


def block_init(block: Block, constructors: Constructors, number: Number, known: Class | None = None) -> list[str]:
    """The statements of a block's constructor."""
    lines = ["super().__init__()"]
    index = 0
    for value, name in names.weights(block).items():
        shape = value.type.shape or ()
        sizes = [number(index + axis) or str(size) for axis, size in enumerate(shape)]
        index += len(shape)
        constructors.uses.modules.add("torch")
        dtype = "" if value.type.dtype == "float32" else f", dtype=torch.{value.type.dtype}"
        made = f"torch.empty({', '.join(sizes) or '()'}{dtype})"
        lines.append(_weight(name, made, block.kinds[value]))
    stored: dict[str, None] = {}
    for step, attribute in zip(block.steps, attributes(block), strict=True):
        if isinstance(step.target, Node):
            count = sum(1 for _ in node_columns(step))
            for text in filter(None, (number(index + place) for place in range(count))):
                stored.update(dict.fromkeys(_argument_names(text, known)))
            index += count
        elif step.is_argument:
            lines.append(f"self.{attribute} = {attribute} or nn.Identity()")
        else:
            lines.append(f"self.{attribute} = {constructors.text(step.target, number, index)}")
            index += len(columns(step.target))
    lines[1:1] = [f"self.{name} = {name}" for name in stored]
    return lines + fixed_lines(block, constructors.classes)


def _weight(name: str, made: str, kind: Kind) -> str:
    """The statement that gives a block a tensor of its own."""
    match kind:
        case "buffer":
            return f"self.{name} = nn.Buffer({made})"
        case "frozen":
            return f"self.{name} = nn.Parameter({made}, requires_grad=False)  # not trained"
        case "trainable":
            return f"self.{name} = nn.Parameter({made})"


def fixed_lines(module: Module, classes: Mapping[str, Class]) -> list[str]:
    """Statements that keep what TensorFlow's layers do not train from being trained."""
    lines: list[str] = []

    def walk(inner: Module, path: str) -> None:
        for step, name in zip(substeps(inner), attributes(inner), strict=True):
            if step.module is None or step.is_argument or inner_shape(step.module) in classes:
                continue
            here = f"{path}.{name}" if path else f"{name}"
            if isinstance(step.target, Leaf):
                lines.extend(_fixed(step.target, here, weight) for weight in step.target.args.get("fixed", ()))
            walk(step.module, here)

    walk(module, "")
    return lines


def _fixed(leaf: Leaf, path: str, weight: str) -> str:
    missing = weight not in leaf.weights
    reason = f"TensorFlow's layer has no {'gamma' if weight == 'weight' else 'beta'}" if missing else "not trained"
    owner = f"self.{path}.{weight}" if "." not in path else f'self.get_parameter("{path}.{weight}")'
    return f"{owner}.requires_grad_(False)  # {reason}"


def _argument_names(text: str, known: Class | None) -> list[str]:
    words = re.findall(r"[A-Za-z_]\w*", text)
    return [argument.name for argument in known.arguments if argument.name in words] if known else []


def _forward(block: Block, known: Class, uses: Uses) -> list[str]:
    """The forward of a class; its arguments are attributes there."""
    own = list(inner_columns(block))
    texts = []
    for column, expression in zip(own, known.expressions, strict=True):
        text = expression or literal(column.value)
        for name in _argument_names(text, known) if expression else ():
            text = re.sub(rf"\b{name}\b", f"self.{name}", text)
        texts.append(text)
    return forward_lines(block, input_names(block, known.instances), texts, uses)


def forward_lines(block: Block, inputs: Mapping[Value, str], texts: Sequence[str], uses: Uses) -> list[str]:
    numbers = Numbers(iter(texts[len(weight_columns(block)) :]))
    body = forward.statements(block, inputs, numbers, uses)
    arguments = ", ".join(f"{name}: Tensor" for name in inputs.values())
    result = "Tensor" if len(block.outputs) == 1 else f"tuple[{', '.join('Tensor' for _ in block.outputs)}]"
    return [f"    def forward(self, {arguments}) -> {result}:", *(f"        {line}" for line in body)]


def input_names(block: Block, instances: Sequence[Module] = ()) -> dict[Value, str]:
    """x, or where there are several what the author called them, in most of the instances of a class."""
    blocks = [module for module in instances if isinstance(module, Block)] or [block]
    known = next((one.called for one in blocks if one.called), ("x",) if len(block.inputs) == 1 else ())
    if known:
        return dict(zip(block.inputs, known, strict=True))
    result: dict[Value, str] = {}
    for value, *alike in zip(block.inputs, *(one.inputs for one in blocks), strict=True):
        wanted = names.snake(Counter(map(names.called, alike)).most_common(1)[0][0])
        name, number = wanted, 2
        while name in result.values():
            name, number = f"{wanted}_{number}", number + 1
        result[value] = name
    return result
