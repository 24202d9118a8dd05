"""models/checksums.lock: what was downloaded, by URL, so that a file that changes upstream is noticed.

A small JSON file, made to be read and committed: whoever fetches later gets the same bytes or an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tf2torch import files
from tf2torch.errors import InputError

LOCK_FILE = "checksums.lock"
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One archive as it was downloaded."""

    sha256: str
    size: int  # bytes
    files: Mapping[str, str] = field(default_factory=dict)  # name in models/ -> sha256, of what was unpacked from it


def read(path: Path) -> dict[str, Entry]:
    """The entries by URL; none where the file is absent.

    Raises InputError where the file is broken: taking it for absent would trust a changed download silently.
    """
    if not path.exists():
        return {}
    try:
        return {url: _entry(values) for url, values in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}, which holds the checksums of earlier downloads, is broken: {error}. "
            "Restore it from version control, or delete it to trust the next downloads anew."
        ) from error


def record(path: Path, url: str, entry: Entry) -> None:
    """Adds or replaces the entry of `url`; the file is replaced as a whole, sorted by URL."""
    entries = read(path)
    if entries.get(url) != entry:
        entries[url] = entry
        files.write_json(path, {url: asdict(entries[url]) for url in sorted(entries)})


def _entry(values: dict[str, Any]) -> Entry:
    entry = Entry(**values)
    for checksum in (entry.sha256, *entry.files.values()):
        if not _SHA256.fullmatch(checksum):
            raise ValueError(f"{checksum!r} is not a SHA-256 in lower-case hexadecimal")
    if not isinstance(entry.size, int) or isinstance(entry.size, bool) or entry.size < 0:
        raise ValueError(f"size is {entry.size!r}, not a number of bytes")
    return entry
