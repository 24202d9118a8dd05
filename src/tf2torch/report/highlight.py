"""Python source as HTML in which every kind of word has a class."""

from __future__ import annotations

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import BashLexer, PythonLexer


def python(source: str) -> Markup:
    return Markup(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)))  # Pygments has escaped it


def shell(command: str) -> Markup:
    return Markup(highlight(command, BashLexer(), HtmlFormatter(nowrap=True)))  # Pygments has escaped it
