"""What the repository says of itself is true: pinned requirements, generated tables, targets, documents."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tf2torch import recipe
from tf2torch.zoo import marked, overview, table

ROOT = Path(__file__).parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
TARGETS = re.findall(
    r"\S+",
    """demo convert convert-all plan fetch export codegen build-model evaluate report report-all compare benchmark
    weights list info inspect init ops tensorboard mmdnn images env doctor shell-tensorflow shell-pytorch clean test
    test-zoo zoo-table sizes ops-table snapshots lint format lock help""",
)


def pins(text: str) -> dict[str, str]:
    """Name, as an index spells it, and version of each line that pins one."""
    found = re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def locked(extra: str) -> dict[str, str]:
    return pins((ROOT / f"docker/{extra}.requirements.txt").read_text())


@pytest.mark.parametrize("extra", EXTRAS)
def test_requirements_are_those_of_pyproject(extra: str) -> None:
    direct = pins("\n".join(EXTRAS[extra]))
    assert len(direct) == len(EXTRAS[extra]), "every direct dependency is pinned"
    assert direct.items() <= locked(extra).items(), "stale: run `make lock`"


def test_requirements_agree_with_one_another() -> None:
    versions: dict[str, set[str]] = {}
    for extra in EXTRAS:
        for name, version in locked(extra).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_direct_dependency_is_explained(extra: str) -> None:
    text = (ROOT / "docs/dependencies.md").read_text()
    assert [
        name for name in pins("\n".join(EXTRAS[extra])) if not re.search(rf"\b{name}\b", text.replace("_", "-"))
    ] == []


def test_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    listed = re.findall(r"^  ([a-z-]+) ", shown, re.MULTILINE)
    assert sorted(listed) == sorted(TARGETS)
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(" ".join(phony).split()) == sorted(TARGETS)


def zoo_table(document: Path) -> str:
    return marked.inside(ROOT / document)


@pytest.mark.parametrize("engine", table.DOCUMENTS)
def test_the_zoo_table_has_a_row_for_every_recipe(engine: str) -> None:
    """What stands in it takes hours to measure: `make test-zoo`."""
    rows = marked.parse(zoo_table(table.DOCUMENTS[engine]))
    assert zoo_table(table.DOCUMENTS[engine]) == table.text(engine, rows), "stale: run `make zoo-table`"
    assert list(rows) == recipe.names(ROOT / "models"), "stale: run `make zoo-table`"


def test_the_table_of_the_readme_is_made_of_those_of_the_documents() -> None:
    tables = {engine: marked.parse(zoo_table(document)) for engine, document in table.DOCUMENTS.items()}
    assert zoo_table(overview.DOCUMENT) == overview.text(ROOT / "models", tables), "stale: run `make zoo-table`"


@pytest.mark.parametrize("document", sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]), ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    assert [link for link in links if not link.startswith("http") and not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]), ids=lambda path: path.name)
def test_make_commands_in_documents_exist(document: Path) -> None:
    commands = re.findall(r"`make ([a-z-]+)", document.read_text()) + re.findall(
        r"^make ([a-z-]+)", document.read_text(), re.MULTILINE
    )
    assert [command for command in commands if command not in TARGETS] == []


def test_every_option_is_documented() -> None:
    """What make hands on, what compose takes, what single targets take: each has a row."""
    makefile = (ROOT / "Makefile").read_text()
    handed_on = re.search(r"^VARIABLES := (.*)$", makefile, re.MULTILINE)
    assert handed_on
    named = {
        *handed_on[1].split(),
        *re.findall(r"\b([A-Z][A-Z_]+)=", "\n".join(re.findall(r"## (.*)$", makefile, re.M))),
    }
    compose = "".join(path.read_text() for path in ROOT.glob("compose*.yaml"))
    ours = re.compile(r"HOST_[UG]ID|COMPOSE_\w+|SOURCE_\w+|TF2TORCH_\w+|\w+_ID")  # which scripts set
    named |= {name for name in re.findall(r"\$\{([A-Z_0-9]+)", compose) if not ours.fullmatch(name)}
    rows = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "docs/options.md").read_text(), re.MULTILINE)
    assert named - set(re.findall(r"`([A-Z_0-9]+)`", "\n".join(rows))) == set()


def test_files_stay_small() -> None:
    sources = [path for folder in ("src", "tests", "scripts") for path in (ROOT / folder).rglob("*.[ps][yh]")]
    lengths = {path.name: len(path.read_text().splitlines()) for path in sources}
    assert {name: length for name, length in lengths.items() if length > 400} == {}
