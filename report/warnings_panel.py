"""The panel of the report's page that says what to be warned of."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from oscc.compiler.findings.of_codes import CodeWarning


def warnings_panel(warnings: Sequence[CodeWarning]) -> Markup:
    """Return the panel as HTML, empty where there is nothing to warn of.

    Parameters
    ----------
    warnings : sequence of CodeWarning
    """
    if not warnings:
        return Markup("")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    template = (files("oscc.report") / "warnings.html").read_text(encoding="utf-8")
    return Markup(environment.from_string(template).render(warnings=warnings))
