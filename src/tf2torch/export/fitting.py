"""Whether the variables of a checkpoint are those of a network, and where they differ, how and why."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from tf2torch.export.stored import rename

Shapes = Mapping[str, Sequence[int | None]]
LISTED = 10  # of each kind
_RENAMINGS = 4  # scopes, in one suggestion


def classes(network: Shapes, stored: Shapes, expected: int) -> int | None:
    """How many classes the checkpoint may have: that which differs from the expected, and nothing else does."""
    found = set()
    for name, shape in network.items():
        theirs = stored.get(name, shape)
        if [*theirs] == [*shape]:
            continue
        if len(theirs) != len(shape) or any(a not in (b, expected) for a, b in zip(shape, theirs, strict=True)):
            return None
        found |= {b for a, b in zip(shape, theirs, strict=True) if a != b}
    return found.pop() if len(found) == 1 else None


def problems(needed: Shapes, stored: Shapes, surplus: Sequence[str], *, suggest: bool) -> str | None:
    """What is wrong, as the end of a sentence and lines below it; None if every needed variable is there and fits.

    surplus: the names in the checkpoint that the network has no variable for. suggest: scopes to rename, if that helps.
    """
    missing = [name for name in needed if name not in stored]
    wrong = [name for name in needed if name in stored and not fits(needed[name], stored[name])]
    if not missing and not wrong:
        return None
    lines = [f"{name} is missing{_nearest(needed[name], name, stored, surplus)}" for name in missing[:LISTED]]
    lines += _more(missing)
    lines += [f"{name} is {[*stored[name]]}, the network has {[*needed[name]]}" for name in wrong[:LISTED]]
    lines += _more(wrong)
    if surplus:
        lines.append(f"not in the network, {len(surplus)}:")
        lines += [f"  {_shown(name, stored)}" for name in surplus[:LISTED]]
        lines += [f"  {line}" for line in _more(surplus)]
    heading = f"{len(missing) + len(wrong)} of {len(needed)} variables."
    mapped = renaming({name: needed[name] for name in missing}, {name: stored[name] for name in surplus})
    if mapped and suggest:
        lines.append(
            f"SCOPE_MAP={','.join(f'{theirs}={ours}' for theirs, ours in mapped.items())} explains the missing ones."
        )
    return "\n  ".join([heading, *lines])


def fits(wanted: Sequence[int | None], found: Sequence[int | None]) -> bool:
    return len(wanted) == len(found) and all(a in (None, b) for a, b in zip(wanted, found, strict=True))


def _alike(wanted: Sequence[int | None], found: Sequence[int | None]) -> bool:
    return len(wanted) == len(found) and fits(wanted[:-1], found[:-1])


def renaming(missing: Shapes, surplus: Shapes) -> dict[str, str]:
    """The scopes which renamed make a surplus variable of every missing one; empty if none do.

    Their last axes may differ, as they do in the last layer of other classes.
    """
    result: dict[str, str] = {}
    left = dict(missing)
    while left and len(result) < _RENAMINGS:
        votes = _votes(left, surplus)
        pair = next((pair for pair, _ in votes.most_common() if pair[0] not in result), None)
        if pair is None:
            return {}
        result[pair[0]] = pair[1]
        renamed = {rename(name, result): shape for name, shape in surplus.items()}
        left = {
            name: shape for name, shape in missing.items() if name not in renamed or not _alike(shape, renamed[name])
        }
    return {} if left else result


def _votes(missing: Shapes, surplus: Shapes) -> Counter[tuple[str, str]]:
    """For each missing variable the pairs of scopes before the longest end that its name shares with a surplus one."""
    by_end: dict[str, list[str]] = defaultdict(list)
    for name in surplus:
        parts = name.split("/")
        for start in range(len(parts)):
            by_end["/".join(parts[start:])].append(name)
    votes: Counter[tuple[str, str]] = Counter()
    for name, shape in missing.items():
        parts = name.split("/")
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            alike = [other for other in by_end.get(end, []) if _alike(shape, surplus[other])]
            if alike:
                ours = "/".join(parts[:start])
                votes.update({(other.removesuffix(end).rstrip("/"), ours) for other in alike})
                break
    return votes


def _nearest(shape: Sequence[int | None], name: str, stored: Shapes, surplus: Sequence[str]) -> str:
    """The surplus name that is most like it, of the same shape if there is one."""
    alike = difflib.get_close_matches(name, [other for other in surplus if fits(shape, stored[other])], n=1)
    near = alike or difflib.get_close_matches(name, surplus, n=1)
    if not near:
        return ""
    return f" (nearest: {near[0]}{'' if alike else f', which is {[*stored[near[0]]]} instead of {[*shape]}'})"


def _shown(name: str, shapes: Shapes) -> str:
    return f"{name} {[*shapes[name]]}"


def _more(names: Sequence[str]) -> list[str]:
    return [f"and {len(names) - LISTED} more"] if len(names) > LISTED else []
