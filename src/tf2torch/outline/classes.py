"""Which classes the source has: modules of one shape are instances of one, and what differs becomes its arguments."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tf2torch.ir.types import Node
from tf2torch.outline import names
from tf2torch.outline.attributes import attributes
from tf2torch.outline.families import LEGIBLE, differing, trunk
from tf2torch.outline.shape import Column, Number, inner_columns, inner_shape
from tf2torch.outline.structure import Block, Concat, Leaf, Module, Sequential, Step, all_steps, leaves, substeps

MANY_ARGUMENTS = 4  # from here on the numbers of one branch travel as one tuple
ENOUGH_TO_SEE_A_RULE = 3  # different numbers: that one is twice another in two cases may be chance
WORTH_A_CLASS = 4  # calls within a Sequential or Concat that is used twice
OFTEN = 5  # from here on fewer calls are worth one

Shapes = dict[Module, str]  # the inner shape of each module of a network, which takes its time to find out


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a class: the number in one column, or those in several as a tuple."""

    name: str
    columns: tuple[int, ...]
    annotation: str
    default: Number | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the source. `module` is one of its instances, from which it is printed."""

    name: str
    module: Module
    instances: tuple[Module, ...]
    arguments: tuple[Argument, ...]
    expressions: tuple[str | None, ...]  # of each column within the class; None: the number that all instances have
    given: tuple[str, ...]  # names of the modules that it is given
    called: tuple[str, ...]  # what the author called the instances
    base: Class | None = None  # of which it is the output with one more function applied


def find(root: Block, name: str) -> dict[str, Class]:
    """Every class that the network needs, by inner shape, those first that others need."""
    instances: dict[str, list[Module]] = {}
    hints: dict[str, list[str]] = {}
    shapes: Shapes = {}
    for step in all_steps(root):
        if step.module is not None:
            shape = shapes[step.module] = inner_shape(step.module)
            instances.setdefault(shape, []).append(step.module)
            hints.setdefault(shape, []).append(_hint(step))
    for alike in instances.values():
        _agree_on_names(alike)
    for modules in instances.values():
        modules.sort(key=_is_depthwise)  # the first one names the class: one of both kinds is called after the usual
    chosen = _chosen(root, instances, shapes)
    found: dict[str, Class] = {}
    taken = {name, *names.RESERVED_CLASSES}
    bases = _bases_of(instances)
    ordered = _bases_first(_dependencies_first(root, chosen, shapes), bases)
    called = names.class_names([(instances[shape][0], hints[shape], shape in bases) for shape in ordered], taken)
    for shape, class_name in zip(ordered, called, strict=True):
        base = found.get(bases.get(shape, ""))
        derived = [module for other, one in bases.items() if one == shape for module in instances[other]]
        if base is None:
            _settle_padding(instances[shape] + derived)
        found[shape] = _class(class_name, instances[shape], derived, tuple(hints[shape]), base)
    return found


def _is_depthwise(module: Module) -> bool:
    return any(isinstance(step.target, Leaf) and names.layer(step.target) == "depthwise" for step in substeps(module))


def _bases_of(instances: dict[str, list[Module]]) -> dict[str, str]:
    """Blocks that are another block with one more function at the end, such as ConvBnRelu and ConvBn."""
    result: dict[str, str] = {}
    for shape, found in instances.items():
        shorter = trunk(found[0]) if isinstance(found[0], Block) else None
        base = "" if shorter is None else inner_shape(shorter)
        if base in instances:
            result[shape] = base
    return result


def _bases_first(shapes: list[str], bases: dict[str, str]) -> list[str]:
    """The same shapes, a base before those that derive from it."""
    order: dict[str, None] = {}
    for shape in shapes:
        if bases.get(shape) in shapes:
            order[bases[shape]] = None
        order[shape] = None
    return list(order)


def _settle_padding(instances: list[Module]) -> None:
    """A convolution that pads as TensorFlow's SAME does in one instance is of the class that can, in all of them."""
    for alike in zip(*map(_own_leaves, instances), strict=True):
        same = next((leaf.class_name for leaf in alike if leaf.args.get("padding") == "same"), None)
        if same is None:
            continue
        everywhere = all(_pads_same(leaf) for leaf in alike)
        for leaf in alike:
            leaf.class_name = same if everywhere else f"Padded{same.removesuffix('Same')}"
            if everywhere:
                leaf.args["padding"] = "same"


def _pads_same(leaf: Leaf) -> bool:
    """Whether the padding is that of SAME, at stride 1 perhaps as a number."""
    args = leaf.args
    sizes = [args[name] if isinstance(args[name], tuple) else (args[name],) for name in ("kernel_size", "padding")]
    if args["padding"] == "same":
        return True
    kernel, padding = (size * 3 if len(size) == 1 else size for size in sizes)
    return args["stride"] == args["dilation"] == 1 and all(
        2 * p == k - 1 for k, p in zip(kernel, padding, strict=False)
    )


def _own_leaves(module: Module) -> list[Leaf]:
    """The leaves of a module, but not those that it is given."""
    steps = [step for step in substeps(module) if step.module is not None and not step.is_argument]
    return [leaf for step in steps if step.module is not None for leaf in leaves(step.module)]


def _agree_on_names(instances: list[Module]) -> None:
    """separable_1 where the instances have separable_3x3_1 and separable_5x5_1."""
    for alike in zip(*map(substeps, instances), strict=True):
        name = names.agreed([step.name for step in alike])
        for step in alike:
            step.name = name


def _hint(step: Step) -> str:
    return step.target.hint or step.name if isinstance(step.target, Block) else step.name


def _chosen(root: Block, instances: dict[str, list[Module]], shapes: Shapes) -> set[str]:
    """The shapes that become classes: every block, and what is long and written more than once."""
    chosen = {shape for shape, found in instances.items() if isinstance(found[0], Block)}
    others = [shape for shape, found in instances.items() if type(found[0]) in (Sequential, Concat)]
    for shape in sorted(others, key=lambda one: _size(instances[one][0], chosen, shapes)):  # from small to large
        calls = _size(instances[shape][0], chosen, shapes)
        if calls < WORTH_A_CLASS or differing(instances[shape]) > calls:
            continue
        if _times_written(root, chosen, shapes)[shape] > 1:
            chosen.add(shape)
    written = _times_written(root, chosen, shapes)  # what only a larger class holds needs none of its own
    chosen = {shape for shape in chosen if shape not in others or written[shape] > 1}
    written = _times_written(root, chosen, shapes)
    return chosen.union(shape for shape in others if written[shape] >= OFTEN and differing(instances[shape]) <= LEGIBLE)


def _size(module: Module, chosen: set[str], shapes: Shapes) -> int:
    """How many calls writing it takes."""
    if isinstance(module, Leaf) or shapes[module] in chosen:
        return 1
    return sum(_size(step.target, chosen, shapes) for step in substeps(module) if not isinstance(step.target, Node))


def _times_written(root: Block, chosen: set[str], shapes: Shapes) -> Counter[str]:
    """How often each shape would stand in the source, if those chosen are classes."""
    result: Counter[str] = Counter()
    seen: set[str] = set()

    def walk(module: Module) -> None:
        for step in substeps(module):
            if step.module is None:
                continue
            shape = shapes[step.module]
            result[shape] += 1
            if shape not in chosen or shape not in seen:
                seen.add(shape)
                walk(step.module)

    walk(root)
    return result


def _dependencies_first(root: Block, chosen: set[str], shapes: Shapes) -> list[str]:
    """Shapes in the order in which one reads them: a class after those that it is made of."""
    order: dict[str, None] = {}

    def walk(module: Module) -> None:
        for step in substeps(module):
            if step.module is not None and shapes[step.module] not in order:
                walk(step.module)
                order[shapes[step.module]] = None

    walk(root)
    return [shape for shape in order if shape in chosen]


def _class(
    name: str, instances: list[Module], derived: list[Module], called: tuple[str, ...], base: Class | None
) -> Class:
    """A class, with arguments for itself and for those that derive from it; or with those of its base."""
    given = tuple(names.snake(step.name) for step in substeps(instances[0]) if step.is_argument)
    if base is not None:
        return Class(name, instances[0], tuple(instances), base.arguments, base.expressions, given, called, base)
    rows = [list(inner_columns(module)) for module in instances + derived]
    table = [tuple(row[index].value for row in rows) for index in range(len(rows[0]))]
    expressions: list[str | None] = [None] * len(table)
    bases = _bases(table, expressions)
    arguments = _named(rows[0], table, expressions, bases, _attributes(instances[0]))
    return Class(name, instances[0], tuple(instances), arguments, tuple(expressions), given, called)


def _attributes(module: Module) -> set[str]:
    """What the class has already, so that no argument may be called like it."""
    own = names.weights(module).values() if isinstance(module, Block) else ()
    return {*own, *filter(None, attributes(module))}


def _bases(table: list[tuple[Number, ...]], expressions: list[str | None]) -> dict[int, list[int]]:
    """The columns that need an argument, each with those that are equal to it. Fills in a mark for derived ones."""
    bases: dict[int, list[int]] = {}
    for index, values in enumerate(table):
        if len(set(values)) == 1:
            continue
        same = next((base for base in bases if table[base] == values), None)
        if same is not None:
            bases[same].append(index)
            continue
        derived = next((text for base in bases if (text := _derived(table[base], values, base))), None)
        if derived:
            expressions[index] = derived
        else:
            bases[index] = [index]
    return bases


def _derived(base: tuple[Number, ...], values: tuple[Number, ...], index: int) -> str | None:
    """The values as a multiple or a part of the base, if they are: {index} stands for its name."""
    pairs = set(zip(base, values, strict=True))
    if len(pairs) < ENOUGH_TO_SEE_A_RULE or not all(
        isinstance(a, int) and isinstance(b, int) and a > 0 for a, b in pairs
    ):
        return None
    whole = [(a, b) for a, b in pairs if isinstance(a, int) and isinstance(b, int)]
    for factor in (2, 3, 4, 6, 8):
        if all(b == factor * a for a, b in whole):
            return f"{factor} * {{{index}}}"
        if all(b == a // factor for a, b in whole):
            return f"{{{index}}} // {factor}"
    return None


def _named(
    row: list[Column],
    table: list[tuple[Number, ...]],
    expressions: list[str | None],
    bases: dict[int, list[int]],
    taken: set[str],
) -> tuple[Argument, ...]:
    """Arguments with names, and the expressions of their columns. Those without a default come first."""
    children = {base: {row[index].child for index in same} for base, same in bases.items()}
    private = Counter(next(iter(owners)) for owners in children.values() if len(owners) == 1)
    groups: list[tuple[int, ...]] = []
    for base in bases:
        owner = _owner(children[base])
        together = len(bases) > MANY_ARGUMENTS and private[owner] > 1 and owner.startswith("branch")
        previous = next((g for g in groups if together and children[g[0]] == children[base]), None)
        if previous is None:
            groups.append((base,))
        else:
            groups[groups.index(previous)] = (*previous, base)
    arguments = []
    for group in groups:
        owner = _owner(children[group[0]])
        wanted = Counter(row[index].name for index in bases[group[0]]).most_common(1)[0][0]
        name = names.argument(wanted, owner, taken, is_tuple=len(group) > 1)
        arguments.append(_argument(name, group, table))
        for position, base in enumerate(group):
            text = name if len(group) == 1 else f"{name}[{position}]"
            for index in bases[base]:
                expressions[index] = text
    _fill_in_derived(expressions)
    return tuple(sorted(arguments, key=lambda argument: argument.default is not None))


def _owner(children: set[str]) -> str:
    """The only child that a number is for, if there is only one."""
    return names.snake(next(iter(children))) if len(children) == 1 and children != {""} else ""


def _fill_in_derived(expressions: list[str | None]) -> None:
    for index, text in enumerate(expressions):
        if text and "{" in text:
            before, _, rest = text.partition("{")
            base, _, after = rest.partition("}")
            expressions[index] = f"{before}{expressions[int(base)]}{after}"


def _argument(name: str, group: tuple[int, ...], table: list[tuple[Number, ...]]) -> Argument:
    if len(group) > 1:
        return Argument(name, group, f"tuple[{', '.join('int' for _ in group)}]")
    values = table[group[0]]
    default, count = Counter(values).most_common(1)[0]
    if "channels" in name or "features" in name or 2 * count < len(values) or name.startswith("branch"):
        return Argument(name, group, _annotation(values))
    return Argument(name, group, _annotation(values), default)


def _annotation(values: tuple[Number, ...]) -> str:
    kinds = dict.fromkeys(
        f"tuple[{', '.join('int' for _ in value)}]" if isinstance(value, tuple) else type(value).__name__
        for value in sorted(values, key=lambda value: isinstance(value, (tuple, str)))
    )
    return " | ".join(kinds)
