"""Pages read as a browser reads them."""

import re
from collections.abc import AsyncIterator, Iterator
from xml.etree.ElementTree import Element

import html5lib

ELEMENTS = frozenset(
    """
    a b body br code dd details div dl dt figcaption figure footer h1 h2 h3 head header html i img li main
    meta p pre rect section span strong style summary svg table tbody td th title tr ul video
    """.split()  # noqa: SIM905 - a list of words is read more easily
)
"""All that our own templates write."""

ATTRIBUTES = frozenset(
    """
    alt aria-hidden aria-label charset class content controls decoding height href http-equiv lang loading
    name preload role scope src title viewBox width x y
    """.split()  # noqa: SIM905 - a list of words is read more easily
)


def parsed(text: str) -> Element:
    """The document. Raises html5lib's ParseError for what is no valid HTML."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    document: Element = parser.parse(text)
    return document


def tag(element: Element) -> str:
    """The name of an element, without the namespace of SVG."""
    return re.sub(r"\{.*\}", "", str(element.tag))


def elements(document: Element, name: str, of_class: str = "") -> Iterator[Element]:
    """Elements by their name and class."""
    for element in document.iter():
        if tag(element) == name and (not of_class or of_class in element.get("class", "").split()):
            yield element


def words(element: Element) -> str:
    """All text in an element."""
    return " ".join("".join(element.itertext()).split())


async def whole(pieces: AsyncIterator[str]) -> str:
    """All of a page."""
    return "".join([piece async for piece in pieces])
