"""Templates of what is emitted: text with ``@@{name}`` where something is filled in."""

from __future__ import annotations

from importlib import resources
from string import Template


class _SourceTemplate(Template):
    """Verilog with ``@@{name}`` where something is filled in: dollar signs are Verilog's own."""

    delimiter = "@@"


def fill_template(template: str, **values: object) -> str:
    """Return a template with its values filled in.

    Parameters
    ----------
    template : str
        Name of a file of this folder.
    **values
        By the names that stand in it.
    """
    text = (resources.files("oscc.rtl.delivery") / template).read_text()
    return _SourceTemplate(text).substitute(values)
