"""The files of a TensorFlow 1 checkpoint, which share a prefix: net.ckpt.index, net.ckpt.data-*, net.ckpt.meta."""

from __future__ import annotations

import re
from pathlib import Path

_ENDING = re.compile(r"(\.meta|\.index|\.data-\d{5}-of-\d{5})+$")
_SHARD = re.compile(r"\.data-(\d{5})-of-(\d{5})")
_LATEST = re.compile(
    r'^model_checkpoint_path:\s*"(.+)"', re.MULTILINE
)  # in the file `checkpoint` of a training's folder
_TABLE = bytes.fromhex("57fb808b247547db")  # how a file of format V1 ends, and no graph does


def of(path: Path) -> Path:
    """The prefix that is meant by any of the files, by itself, or by the folder of a training: the latest in there."""
    if path.is_dir():
        return _latest(path) or path
    return path.with_name(_ENDING.sub("", path.name))


def meta(prefix: Path) -> Path:
    """Where the graph stands, if it has one."""
    return prefix.with_name(f"{prefix.name}.meta")


def is_checkpoint(prefix: Path) -> bool:
    """Whether values lie there, of either version. A frozen graph, which is one file as well, is none."""
    if prefix.with_name(f"{prefix.name}.index").is_file():
        return True
    if not prefix.is_file() or prefix.stat().st_size < len(_TABLE):
        return False
    with prefix.open("rb") as file:
        file.seek(-len(_TABLE), 2)
        return file.read() == _TABLE


def files(prefix: Path) -> list[Path]:
    """Every file of the checkpoint, the graph included: whatever has this prefix and one of the endings."""
    found = [path for path in prefix.parent.glob("*") if path.is_file() and of(path) == prefix]
    return sorted(found)


def values(prefix: Path) -> list[Path]:
    """The files that hold the values: index and shards of format V2, which TensorFlow prefers, or the one file of V1.

    Empty where anything is missing.
    """
    index = prefix.with_name(f"{prefix.name}.index")
    if index.is_file():
        shards = {found: path for path in prefix.parent.iterdir() if (found := _shard(prefix, path))}
        for count in {count for _, count in shards if count}:
            whole = [shards.get((number, count)) for number in range(count)]
            if None not in whole:
                return [index, *filter(None, whole)]
    return [prefix] if prefix.is_file() else []


def _shard(prefix: Path, path: Path) -> tuple[int, int] | None:
    """(number, count) if `path` is a shard of the checkpoint; None if it is anything else."""
    match = _SHARD.fullmatch(path.name.removeprefix(prefix.name)) if path.name.startswith(prefix.name) else None
    return (int(match[1]), int(match[2])) if match else None


def _latest(folder: Path) -> Path | None:
    """As the state file says; a path of the machine that trained it counts by its name."""
    state = folder / "checkpoint"
    named = _LATEST.search(state.read_text(encoding="utf-8", errors="replace")) if state.is_file() else None
    if named is None:
        return None
    path = named[1].replace("\\", "/")
    is_within = not Path(path).is_absolute() and is_checkpoint(folder / path)
    return folder / path if is_within else folder / path.rsplit("/", 1)[-1]
