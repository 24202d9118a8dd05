"""The page in a real browser: on a desk, on a phone, in the dark, on paper, with JavaScript and without."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("jinja2")
from tests.report import full_report
from tf2torch.report import page as pages
from tf2torch.report import sections

OpenPage = Callable[..., Any]
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Every element with text whose contrast with what is painted behind it, as WCAG computes it, is below 4.5.
FAINT = """() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = numbers(color).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = element => {
    let behind = element;
    while ((numbers(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0 && behind.parentElement)
      behind = behind.parentElement;
    const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  return [...document.querySelectorAll("body *:not(script):not(svg *):not(svg)")]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
    .filter(element => contrast(element) < 4.5)
    .map(element => `${element.tagName}.${element.className} ${element.textContent.slice(0, 30)} ${contrast(element)}`);
}"""


@pytest.fixture(scope="module")
def html() -> str:
    return pages.render(full_report.result(), full_report.SOURCE, full_report.result(engine="mmdnn"))


@pytest.fixture(scope="module")
def failed() -> str:
    return pages.render(full_report.failed(), full_report.SOURCE)


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("which", ["html", "failed"])
def test_nothing_is_wider_than_the_screen(
    open_page: OpenPage, which: str, width: int, request: pytest.FixtureRequest
) -> None:
    page = open_page(request.getfixturevalue(which), width=width)
    assert page.evaluate(WIDER) <= 0
    assert page.locator("h1").inner_text() == "residual_net"
    assert len(page.screenshot(full_page=True)) > 10_000
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate(WIDER) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(open_page: OpenPage, failed: str, scheme: str) -> None:
    page = open_page(failed, color_scheme=scheme)
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", shade)[0]) < 64) == (scheme == "dark")
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate(FAINT) == []


def test_without_scripts(open_page: OpenPage, html: str) -> None:
    page = open_page(html, java_script_enabled=False)
    assert page.locator("button:visible").count() == 0  # none that does nothing
    table = page.locator("#modules table.sortable")
    assert not table.is_visible()
    page.locator("#modules summary").click()
    assert table.is_visible()
    part = page.locator("#network").get_by_text("BatchNorm2d").first
    assert not part.is_visible()
    for name in ("stem", "0"):
        page.locator("#network summary", has_text=re.compile(rf"^\s*{name}\b")).first.click()
    assert part.is_visible()


def test_copying(open_page: OpenPage, html: str) -> None:
    page = open_page(html, permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("#use .code button").first
    button.click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("import torch\n")


def test_copying_where_the_page_may_not(open_page: OpenPage, html: str) -> None:
    page = open_page(html)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.evaluate("document.addEventListener('copy', () => { window.copied = getSelection().toString(); })")
    page.locator("#use .code button").nth(1).click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("window.copied").strip() == full_report.provenance()["command"]


def test_sorting(open_page: OpenPage, html: str) -> None:
    page = open_page(html)
    page.locator("#modules summary").click()
    table = page.locator("#modules table.sortable")

    def column(number: int) -> list[str]:
        return [text.strip() for text in table.locator(f"tbody tr > :nth-child({number})").all_inner_texts()]

    first = column(1)
    assert first == [str(number) for number in range(1, len(first) + 1)]
    heading = table.locator("th", has_text="relative error")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    errors = [float(text) for text in column(5) if text]
    assert errors == sorted(errors)
    assert column(5)[-1] == ""  # what was not compared comes last
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    table.locator("th", has_text="module").locator("button").click()
    assert heading.get_attribute("aria-sort") is None
    assert column(2) == sorted(column(2), key=str.lower)
    table.locator("th", has_text="#").locator("button").click()
    assert column(1) == first


def test_on_paper_everything_is_unfolded(open_page: OpenPage, html: str) -> None:
    for scripts in (True, False):
        page = open_page(html, java_script_enabled=scripts)
        page.emulate_media(media="print")
        assert page.locator("#modules table.sortable").bounding_box()["height"] > 500
        assert page.locator("#network").get_by_text("BatchNorm2d").last.bounding_box()["height"] > 0
        assert not page.locator("nav").is_visible()
        assert not page.locator(".code button").first.is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_dark_is_not_printed(open_page: OpenPage, html: str) -> None:
    page = open_page(html, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_first_that_differs_is_marked(open_page: OpenPage, failed: str) -> None:
    page = open_page(failed)
    wrong = page.locator(".plot .dot.wrong").first
    assert wrong.locator("title").text_content().startswith("block3.1.conv (nn.Conv2d)")
    mark = page.locator(".plot .mark").bounding_box()
    assert abs(mark["x"] - (wrong.bounding_box()["x"] + wrong.bounding_box()["width"] / 2)) < 2
    page.locator("#modules summary").click()
    assert "block3.1.conv" in page.locator("#modules tr.first").inner_text()


def test_hostile_names_stay_text(open_page: OpenPage) -> None:
    bad = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>\"'</style>"
    result = full_report.result(model=bad, notes=[bad], device=bad)
    row = result["loaded"]["converted_pytorch.safetensors"]["modules"]["rows"][0]
    row.update({"path": bad, "class": bad, "tensor": bad})
    result["network"]["parts"][0].update(name=bad, details=bad)
    result["examples"][0]["name"] = result["timing"]["rows"][0]["way"] = bad
    result["provenance"].update(command=bad, source={bad: bad})
    page = open_page(pages.render(result, f'"""{bad}"""\n# </code>{bad}\n'))
    assert page.title() == f"{bad}: PASS"
    assert page.locator("h1").inner_text() == bad
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == len(result["examples"])


def test_the_index(open_page: OpenPage) -> None:
    results = [full_report.result(), full_report.failed() | {"model": "another", "engine": "mmdnn"}]
    links = {"folder": "net", "pages": ["report.html", "report.json"], "finished": "2026-11-28T12:00:00+00:00"}
    rows: list[dict[str, Any]] = [{**sections.column(result), **links, "failure": None} for result in results]
    about = {"model": "broken", "engine": "native", "verdict": None, "weights": "pretrained"}
    rows.append({**about, **links, "pages": [], "failure": "no such operation"})
    page = open_page(pages.template("index.html").render(rows=rows, passed=1), width=390)
    assert page.evaluate(WIDER) <= 0
    names = page.locator("tbody th")
    assert names.all_inner_texts() == ["residual_net", "another", "broken"]
    page.locator("th button", has_text="model").click()
    assert names.all_inner_texts() == ["another", "broken", "residual_net"]
    page.locator("th button", has_text="verdict").click()
    assert names.all_inner_texts() == ["another", "broken", "residual_net"]
    assert page.locator("a").first.get_attribute("href") == "net/report.html"
