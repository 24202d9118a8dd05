"""Checkpoints: found under models/, or downloaded, checked and unpacked there. Whole or absent at every moment."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tf2torch import files
from tf2torch import prefix as prefixes
from tf2torch.errors import InputError
from tf2torch.recipe import Recipe, Weights
from tf2torch.zoo import archive, lock
from tf2torch.zoo.download import DownloadError, Transfer, WrongSizeError, discard, download

DOWNLOADS = ".downloads"

_SUFFIX = re.compile(r"|\.index|\.meta|\.data-\d{5}-of-\d{5}")  # all that a checkpoint consists of


def locate(models: Path, name: str) -> Path | None:
    """The checkpoint prefix models/<name>.ckpt if a whole checkpoint lies there, whoever put it there; else None."""
    prefix = models / f"{name}.ckpt"
    return prefix if prefixes.values(prefix) else None


def fetch(recipe: Recipe, models: Path, *, offline: bool = False, transfer: Transfer | None = None) -> Path:
    """The checkpoint prefix of the recipe's weights; they are downloaded into `models` if they are not there.

    Raises InputError where they cannot be had or are not what they should be, MachineError where they cannot be stored.
    """
    prefix = models / f"{recipe.name}.ckpt"
    if prefixes.values(prefix):
        return prefix
    if prefix.with_name(f"{prefix.name}.index").exists():
        raise InputError(
            f"{prefix}.index is there, but not all of its {prefix.name}.data-* files. "
            "Put them beside it, or remove it to have the weights fetched."
        )
    if recipe.weights is None:
        raise InputError(
            f"Nobody published weights for {recipe.name}. Put a checkpoint of your own at {prefix} "
            "(or its .index and .data-* files), or say WEIGHTS=random for seeded ones."
        )
    if offline:
        raise InputError(
            f"{prefix} is not there, and OFFLINE=1 forbids to fetch it. {_other_ways(recipe.weights, prefix)}"
        )
    with files.machine_errors(models), files.alone(models / DOWNLOADS, "downloading"):
        if not prefixes.values(prefix):  # nor did the run that this one waited for bring it
            _fetch(recipe, recipe.weights, prefix, transfer)
    return prefix


def provenance(recipe: Recipe, models: Path) -> dict[str, Any]:
    """Where the checkpoint under `models` comes from, for the manifest.

    "files": SHA-256 of each of its files by name, empty where there is none. "url" and "archive_sha256": the archive
    that it was unpacked from; None unless the lock file recorded these very files, so a user's own have neither.
    """
    paths = prefixes.values(models / f"{recipe.name}.ckpt")
    found = {path.name: files.sha256(path) for path in paths}
    url = recipe.weights.url if recipe.weights else None
    entry = lock.read(models / lock.LOCK_FILE).get(url) if url else None
    known = entry is not None and bool(found) and found.items() <= entry.files.items()
    return {"url": url if known else None, "archive_sha256": entry.sha256 if entry and known else None, "files": found}


def _fetch(recipe: Recipe, weights: Weights, prefix: Path, transfer: Transfer | None) -> None:
    models = prefix.parent
    part = models / DOWNLOADS / f"{_archive_name(weights.url)}.part"
    expected = _expected(recipe, weights, models)
    try:
        download(weights.url, part, size=expected.size, transfer=transfer)
    except WrongSizeError as error:
        raise expected.mismatch(weights.url, "size", error.found, expected.size) from error
    except DownloadError as error:
        raise InputError(f"Cannot download {weights.url}: {error}. {_other_ways(weights, prefix)}") from error
    try:
        expected.check(weights.url, part)
        with _staging(part) as folder:
            unpacked = archive.unpack(part, folder, lambda name: _name_in_models(name, weights.file, prefix.name))
            if not prefixes.values(folder / prefix.name):
                raise InputError(
                    f"{weights.url} holds no whole checkpoint {weights.file}; the recipe of {recipe.name} is wrong."
                )
            contents = {path.name: files.sha256(path) for path in unpacked}
            lock.record(
                models / lock.LOCK_FILE, weights.url, lock.Entry(files.sha256(part), part.stat().st_size, contents)
            )
            _publish(unpacked, models)
    except InputError:
        discard(part)  # a bad archive does not get better
        raise
    discard(part)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the archive must be, and on whose word."""

    algorithm: str
    digest: str | None
    size: int | None  # bytes
    source: str
    way_to_accept: str

    def check(self, url: str, part: Path) -> None:
        if self.digest is None:
            return
        with part.open("rb") as file:
            found = hashlib.file_digest(file, self.algorithm).hexdigest()
        if found != self.digest.lower():
            raise self.mismatch(url, self.algorithm, found, self.digest)

    def mismatch(self, url: str, kind: str, found: object, expected: object) -> InputError:
        return InputError(
            f"{url} is not the file that {self.source} describes: its {kind} is {found}, expected was {expected}. "
            f"It was not kept. Fetch again; if the file truly changed and you trust it, {self.way_to_accept} first."
        )


def _expected(recipe: Recipe, weights: Weights, models: Path) -> _Expected:
    """The recipe's checksum; without one that of the first download; without any, whatever comes is trusted."""
    path = models / lock.LOCK_FILE
    entry = lock.read(path).get(weights.url)
    digests = {"sha256": weights.sha256, "sha384": weights.sha384, "md5": weights.md5}
    algorithm, digest = next((item for item in digests.items() if item[1]), ("sha256", None))
    if entry and not digest:
        return _Expected("sha256", entry.sha256, entry.size, str(path), f"delete its entry in {path}")
    toml = models / f"{recipe.name}.toml"
    return _Expected(algorithm, digest, weights.size, str(toml), f"correct the figures in {toml}")


def _publish(paths: list[Path], models: Path) -> None:
    """Moves a staged checkpoint into `models`; what makes it count, the index or the single file, goes last."""
    published: list[Path] = []
    try:
        for path in sorted(paths, key=lambda path: path.suffix in (".index", ".ckpt")):
            published.append(models / path.name)
            path.replace(published[-1])
    except BaseException:
        for path in published:
            path.unlink(missing_ok=True)
        raise


def _name_in_models(name: str, file: str, prefix: str) -> str | None:
    """The name under models/ of an archive's member; None if it is no part of the checkpoint `file`."""
    wanted = PurePosixPath(file).name
    suffix = name.removeprefix(wanted)
    return f"{prefix}{suffix}" if name.startswith(wanted) and _SUFFIX.fullmatch(suffix) else None


def _archive_name(url: str) -> str:
    name = PurePosixPath(urlsplit(url).path).name
    if not re.fullmatch(r"[\w.+-]+", name):
        raise InputError(f"The URL {url!r} of the recipe names no archive; it must end in one like .../name.tar.gz.")
    return name


def _other_ways(weights: Weights, prefix: Path) -> str:
    return (
        f"You can put {weights.file} from the archive {weights.url} at {prefix} yourself "
        "(.index and .data-* files likewise), or run `make demo`: the whole road with seeded weights and no download."
    )


@contextlib.contextmanager
def _staging(part: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards. Its fixed name lets the next run clear what a killed one left."""
    folder = part.with_suffix(".unpacked")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
