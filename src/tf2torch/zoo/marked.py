"""Tables in documents: written between two marks, and read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tf2torch import files
from tf2torch.errors import UsageError

BEGIN, END = "<!-- zoo table: begin -->", "<!-- zoo table: end -->"

Cells = dict[str, str]  # of a row, by column; a column that is missing is empty


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(
        [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    )


def parse(table: str) -> dict[str, Cells]:
    """The rows of a table in a document, by model. `table` is what `markdown` gives."""
    lines = [[cell.strip() for cell in line.replace("\\|", "\0").split("|")[1:-1]] for line in table.splitlines()]
    if not lines:
        return {}
    heads, _, *rows = lines
    return {
        row[0]: {head: cell.replace("\0", "\\|") for head, cell in zip(heads[1:], row[1:], strict=True) if cell}
        for row in rows
    }


def inside(document: Path) -> str:
    """What stands between the marks of a document. Raises UsageError if it has none."""
    content = document.read_text(encoding="utf-8")
    if BEGIN not in content or END not in content:
        raise UsageError(f"{document} has no place for the table: two lines {BEGIN} and {END}.")
    return content.split(BEGIN)[1].split(END)[0].strip()


def put(document: Path, table: str) -> None:
    """Replaces what stands between the marks of a document."""
    inside(document)
    content = document.read_text(encoding="utf-8")
    before, after = content.split(BEGIN)[0], content.split(END)[1]
    files.write_text(document, f"{before}{BEGIN}\n{table}\n{END}{after}")
