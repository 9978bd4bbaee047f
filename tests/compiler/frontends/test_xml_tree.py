from __future__ import annotations

import pytest

from oscc.compiler.frontends.xml_tree import XmlError, parse_xml


@pytest.mark.parametrize(
    "content",
    [
        "<a>\u00e9</a>".encode(),
        "\ufeff<a>\u00e9</a>".encode(),
        '<?xml version="1.0" encoding="UTF-8"?><a>\u00e9</a>'.encode(),
        "<a>\u00e9</a>".encode("utf-16"),
        '<?xml version="1.0" encoding="UTF-16"?><a>\u00e9</a>'.encode("utf-16"),
        "\ufeff<a>\u00e9</a>".encode("utf-16-be"),
        '<?xml version="1.0" encoding="ISO-8859-1"?><a>\u00e9</a>'.encode("latin-1"),
        '<?xml version="1.0" encoding="cp850"?><a>\u00e9</a>'.encode("cp850"),
        b"<a>&#233;</a>",
        "<a><!-- no -->\u00e9<?no no?></a>".encode(),
        "<a><![CDATA[\u00e9]]></a>".encode(),
    ],
)
def test_the_document_says_how_it_is_encoded(content: bytes) -> None:
    root = parse_xml(content)
    assert (root.name, root.text, root.children) == ("a", "\u00e9", [])


def test_elements_know_their_lines_and_namespaces() -> None:
    root = parse_xml(b'<g:a xmlns:g="urn:g" x="1"\n g:y="2">t<g:b/>u\r\n<b/>\r</g:a>')
    assert (root.space, root.name, root.attributes, root.line) == ("urn:g", "a", {"x": "1"}, 1)
    assert root.text == "tu\n\n"
    assert [(child.space, child.name, child.line) for child in root.children] == [("urn:g", "b", 2), ("", "b", 3)]
    assert list(root.named("b")) == root.children[:1]


BOMB = "<!DOCTYPE a [<!ENTITY b 'bbb'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>"


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"", "no XML: no element found, column 1", 1),
        (b"4 1\n1 2 1\n", "no XML: syntax error, column 1", 1),
        (b"<a>\n<b></a>", "no XML: mismatched tag, column 6", 2),
        (b"<a/>\n<b/>", "no XML: junk after document element, column 1", 2),
        (b'<a x="1" x="2"/>', "no XML: duplicate attribute, column 10", 1),
        (b"<a>\0</a>", "no XML: not well-formed (invalid token), column 4", 1),
        ("<a>\n\u00e9</a>".encode("latin-1"), "no XML: not well-formed (invalid token), column 1", 2),
        (b"<a>&b;</a>", "no XML: undefined entity, column 4", 1),
        (BOMB.encode(), "document types and entities are not read", 1),
        (BOMB.encode("utf-16"), "document types and entities are not read", 1),
        (b"<!-- -->\n<!DOCTYPE a SYSTEM 'a.dtd'><a/>", "document types and entities are not read", 2),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "its encoding, klingon, cannot be read; UTF-8 can", 1),
        (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "its encoding, shift_jis, cannot be read; UTF-8 can", 1),
        (b'<?xml version="1.0" encoding="rot13"?><a/>', "its encoding, rot13, cannot be read; UTF-8 can", 1),
        (b"<a>" * 100_000, "no XML: no element found, column 300001", 1),
    ],
)
def test_what_is_no_document(content: bytes, message: str, line: int) -> None:
    with pytest.raises(XmlError) as caught:
        parse_xml(content)
    assert (str(caught.value), caught.value.line) == (message, line)
