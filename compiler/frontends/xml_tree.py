"""XML as a tree that knows its lines: decoded by the parser as the document says, and without document types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from oscc.base.node_labels import printable

_SEPARATOR = "}"


class XmlError(ValueError):
    """Bytes that are no XML, or XML that is not read.

    Parameters
    ----------
    message : str
        One line.
    line : int
        From 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(eq=False)
class Element:
    """An element of a document; complete when the parser has left it.

    Parameters
    ----------
    space, name : str
        Its namespace, empty for none, and its name in it.
    attributes : dict of str to str
        Those without a namespace.
    line : int
        Of its start, from 1.
    children : list of Element
    text : str
        All characters that stand directly in it.
    """

    space: str
    name: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def named(self, name: str) -> Iterator[Element]:
        """Yield the children of a name that are in the element's own namespace."""
        return (child for child in self.children if child.name == name and child.space == self.space)


def parse_xml(content: bytes) -> Element:
    """Return the root of a document, its encoding found out as XML has it: by byte order mark and declaration.

    Parameters
    ----------
    content : bytes

    Raises
    ------
    XmlError
        When it is no XML, is in an encoding that is not known, or has a document type: entities that one declares can
        grow without bound.
    """
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    above: list[Element] = []
    roots: list[Element] = []
    declared: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(_SEPARATOR)
        own = {key: value for key, value in attributes.items() if _SEPARATOR not in key}
        element = Element(space, name, own, parser.CurrentLineNumber)
        (above[-1].children if above else roots).append(element)
        above.append(element)

    def end(tag: str) -> None:
        above.pop()

    def characters(text: str) -> None:
        above[-1].text += text

    def declaration(version: str, encoding: str | None, standalone: int) -> None:
        declared.append(encoding or "UTF-8")

    def doctype(*args: object) -> None:
        raise XmlError("document types and entities are not read", parser.CurrentLineNumber)

    parser.XmlDeclHandler = declaration
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise XmlError(f"no XML: {expat.ErrorString(error.code)}, column {error.offset + 1}", error.lineno) from None
    except (LookupError, UnicodeError, ValueError) as error:
        if isinstance(error, XmlError):
            raise
        # Of Python's codecs, which the parser asks for encodings that it does not know itself.
        named = printable(declared[0]) if declared else "of no name"
        raise XmlError(f"its encoding, {named}, cannot be read; UTF-8 can", 1) from None
    return roots[0]
