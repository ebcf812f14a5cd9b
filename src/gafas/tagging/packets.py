"""XML whose bytes stay what they are, save where something is put in or cut out."""

import dataclasses
import re
import xml.parsers.expat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Final

from gafas.errors import DataError

Name = tuple[str, str]
"""A namespace and a name in it."""


@dataclasses.dataclass(slots=True, eq=False)
class Node:
    """An element, and the places in the packet where its tags begin and end.

    Of an element without an end tag, `inner` and `close` are its end.
    """

    prefix: str
    name: Name
    attributes: Mapping[Name, str]
    start: int
    inner: int
    close: int = 0
    end: int = 0
    text: str = ""
    children: list["Node"] = dataclasses.field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """Yield the element and all inside."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, *names: Name) -> "Node | None":
        """Return the first element inside, or itself, that has one of the names."""
        return next((node for node in self.walk() if node.name in names), None)

    def read(self, name: Name) -> str | None:
        """Return a property's text, whichever of RDF's ways it was written in."""
        for node in self.walk():
            if name in node.attributes:
                return node.attributes[name]
            if node.name == name and node is not self:
                return node.text.strip()
        return None


Edit = tuple[int, int, bytes]
"""From where to where bytes are replaced, and by which."""


_DEEPEST: Final = 100  # elements within one another: who nests more means harm


class _Reader:
    """Reads elements with the places where they stand."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._open: list[Node] = []
        self._spaces: list[dict[str, str]] = [{"xml": "http://www.w3.org/XML/1998/namespace"}]
        self.root: Node | None = None
        self._parser = parser = xml.parsers.expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._read
        parser.StartDoctypeDeclHandler = self._refuse
        parser.XmlDeclHandler = self._check
        parser.Parse(data, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) > _DEEPEST:
            raise DataError("Its XMP is nested deeper than any that says something; it is left.")
        own = {key[6:]: value for key, value in attributes.items() if key.startswith("xmlns:")}
        own |= {"": attributes["xmlns"]} if "xmlns" in attributes else {}
        self._spaces.append(self._spaces[-1] | own)
        start = self._parser.CurrentByteIndex
        named = {
            self._resolve(key): value
            for key, value in attributes.items()
            if key != "xmlns" and not key.startswith("xmlns:")
        }
        prefix = tag.rpartition(":")[0]
        name = self._resolve(tag) if prefix else (self._spaces[-1].get("", ""), tag)
        node = Node(prefix, name, named, start, _find_end(self._data, start))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _resolve(self, tag: str) -> Name:
        prefix, _, local = tag.rpartition(":")
        return (self._spaces[-1].get(prefix, prefix) if prefix else "", local)

    def _end(self, _: str) -> None:
        node = self._open.pop()
        self._spaces.pop()
        if self._data[node.inner - 2 : node.inner] == b"/>":
            node.close = node.end = node.inner
        else:
            node.close = self._parser.CurrentByteIndex
            node.end = self._data.index(b">", node.close) + 1

    def _read(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _refuse(self, *_: object) -> None:
        raise DataError("Its XMP declares a document type, which XMP never does, so it is left.")

    def _check(self, _: str, encoding: str | None, __: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
            raise DataError(f"Its XMP is written in {encoding}, not UTF-8, so it is left.")


def _find_end(data: bytes, start: int) -> int:
    """Return where a tag ends: behind the first `>` that stands in no attribute."""
    found = _TAG.match(data, start)
    assert found is not None, "the parser has read this tag"
    return found.end()


_TAG: Final = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")


def parse(data: bytes) -> Node:
    """Return the outermost element of a packet.

    Raises:
        DataError: it is no XML in UTF-8, or declares a document type.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data.rstrip(b"\0"):
        raise DataError("Its XMP is not written in UTF-8, so it is left.")
    try:
        root = _Reader(data.rstrip(b"\0")).root
    except xml.parsers.expat.ExpatError as error:
        raise DataError(f"Its XMP is broken ({error}), so it is left.") from error
    assert root is not None, "a document without an element is an error"
    return root


def extend(data: bytes, node: Node, pieces: Sequence[str]) -> list[Edit]:
    """Return the edit that puts elements behind the last one in a node, spaced as that is."""
    if not pieces:
        return []
    if node.inner == node.end:  # <rdf:Bag/>
        tag = data[node.start + 1 : node.end - 2].split()[0]
        written = b"".join(piece.encode() for piece in pieces)
        return [(node.end - 2, node.end, b">" + written + b"</" + tag + b">")]
    at = node.children[-1].end if node.children else node.inner
    before = node.children[-1].start if node.children else node.inner
    space = data[len(data[:before].rstrip()) : before] if node.children else b"\n  "
    return [(at, at, b"".join(space + piece.encode() for piece in pieces))]


Hollow = Callable[[Node, Sequence[Node]], bool]
"""Says whether an element goes, too, when only these are left in it."""


def cut(data: bytes, node: Node, doomed: Set[int], *, is_hollow: Hollow) -> list[Edit]:
    """Return the edits that cut elements out, by their starts, with the space before them."""
    edits: list[Edit] = []

    def go(node: Node) -> bool:
        """Say whether a node goes; if not, note what goes in it."""
        if node.start in doomed:
            return True
        before = len(edits)
        gone = [child for child in node.children if go(child)]
        kept = [child for child in node.children if child not in gone]
        if gone and is_hollow(node, kept):
            del edits[before:]
            return True
        for child in gone:
            begin = len(data[: child.start].rstrip())
            edits.append((max(begin, node.inner), child.end, b""))
        return False

    go(node)
    return edits


def apply(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the bytes after edits, which must not overlap."""
    for start, end, content in sorted(edits, reverse=True):
        data = data[:start] + content + data[end:]
    return data
