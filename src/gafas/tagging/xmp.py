"""XMP packets, in which our keywords and regions are put in place and nothing else is touched.

A packet is parsed to find places in its bytes, and never written anew: what other programs wrote
keeps its prefixes, its order and its spaces, and what is taken out again leaves the bytes of
before. Keywords stand in `dc:subject`, flat, and in `lr:hierarchicalSubject`, under `eyewear`; in
`digiKam:TagsList`, too, where a packet has one, since programs that know it pass over the others.
Faces are regions as the Metadata Working Group laid them out, without names: names are people's.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from gafas.errors import DataError
from gafas.tagging.packets import Edit, Name, Node, apply, cut, extend, parse

ROOT: Final = "eyewear"
"""What our keywords stand under where keywords have a hierarchy."""

Area = tuple[float, float, float, float]
"""The middle, across and down, and width and height: shares of the photo as it is stored."""

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_LR: Final = "http://ns.adobe.com/lightroom/1.0/"
_DIGIKAM: Final = "http://www.digikam.org/ns/1.0/"
_MWG: Final = "http://www.metadataworkinggroup.com/schemas/regions/"
_AREA: Final = "http://ns.adobe.com/xmp/sType/Area#"
_DIMENSIONS: Final = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
_PREFIXES: Final = {
    **{_RDF: "rdf", _DC: "dc", _LR: "lr", _DIGIKAM: "digiKam"},
    **{_MWG: "mwg-rs", _AREA: "stArea", _DIMENSIONS: "stDim"},
}

_SUBJECT: Final = (_DC, "subject")
_HIERARCHY: Final = (_LR, "hierarchicalSubject")
_TAGS: Final = (_DIGIKAM, "TagsList")
_REGIONS: Final = (_MWG, "Regions")
_LIST: Final = (_MWG, "RegionList")
_LISTS: Final = (_SUBJECT, _HIERARCHY, _TAGS)
_CONTAINERS: Final = frozenset((_RDF, kind) for kind in ("Bag", "Seq", "Alt"))
_DESCRIPTION: Final = (_RDF, "Description")
_ABOUT: Final = (_RDF, "about")

_EMPTY: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="gafas">\n'
    f' <rdf:RDF xmlns:rdf="{_RDF}">\n </rdf:RDF>\n</x:xmpmeta>\n'
    '<?xpacket end="w"?>\n'
).encode()

_SAME: Final = 0.5  # regions that overlap by so much of both are of one face


@dataclasses.dataclass(frozen=True, slots=True)
class Region:
    """Where a face is, and what it wears."""

    area: Area
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Tags:
    """What a packet shall hold.

    Attributes:
        keywords: flat ones.
        regions: of faces; empty where they are not asked for.
        size: the width and height of the photo as it is stored, in pixels.
    """

    keywords: tuple[str, ...]
    regions: tuple[Region, ...] = ()
    size: tuple[int, int] = (0, 0)


Added = Mapping[str, Sequence[str]]
"""What was put into a packet, by the name of the list that it stands in."""


def merge(packet: bytes | None, tags: Tags) -> tuple[bytes, Added]:
    """Put keywords and regions into a packet, or into a new one, as far as they are not there.

    Returns:
        The packet, and what is new in it; where nothing is, the packet is the same.

    Raises:
        DataError: the packet cannot be read, or what we should add to is no list.
    """
    data = _EMPTY if packet is None else packet
    rdf = _find_rdf(data)
    edits: list[Edit] = []
    fresh: list[str] = []
    added: dict[str, list[str]] = {}
    for name, items in _spell(tags.keywords).items():
        container = _find_list(rdf, name)
        held = [] if container is None else [one.text.strip() for one in container.children]
        new = [item for item in items if item not in held]
        if container is not None:
            edits += extend(data, container, [_write_item(container, escape(k)) for k in new])
        elif name != _TAGS:
            fresh.append(_write_list(name, new))
        else:
            continue
        added |= {_shorten(name): new} if new else {}
    regions = _add_regions(data, rdf, tags, edits=edits, fresh=fresh)
    added |= {_shorten(_LIST): regions} if regions else {}
    if fresh:
        edits += extend(data, rdf, [_describe(rdf, fresh)])
    return (apply(data, edits) if added else data), added


def remove(packet: bytes, added: Added) -> bytes:
    """Take out of a packet what was put into it, as far as it is still there.

    Lists that become empty go, and so do descriptions.

    Raises:
        DataError: the packet cannot be read.
    """
    rdf = _find_rdf(packet)
    doomed: set[int] = set()
    for name in _LISTS:
        container = _find_list(rdf, name)
        for item in container.children if container else ():
            if item.text.strip() in added.get(_shorten(name), ()):
                doomed.add(item.start)
    container = _find_list(rdf, _REGIONS)
    for item in container.children if container else ():
        if _tell_region(item) in added.get(_shorten(_LIST), ()):
            doomed.add(item.start)
    return apply(packet, cut(packet, rdf, doomed, is_hollow=_is_hollow))


def _is_hollow(node: Node, kept: Sequence[Node]) -> bool:
    """Say whether an element says nothing without what is cut out of it."""
    if node.name == _REGIONS:
        return not any(child.find(_LIST) for child in kept)  # dimensions alone say nothing
    own = node.attributes.keys() - {_ABOUT, (_RDF, "parseType")}
    return node.name != (_RDF, "RDF") and not kept and not own


def is_empty(packet: bytes) -> bool:
    """Say whether a packet says nothing.

    Raises:
        DataError: the packet cannot be read.
    """
    return not _find_rdf(packet).children


def _spell(keywords: Sequence[str]) -> dict[Name, list[str]]:
    """Return keywords as each list has them."""
    return {
        _SUBJECT: list(keywords),
        _HIERARCHY: [f"{ROOT}|{keyword}" for keyword in keywords],
        _TAGS: [f"{ROOT}/{keyword}" for keyword in keywords],
    }


def _shorten(name: Name) -> str:
    """Return a name as packets mostly have it.

    >>> _shorten(_SUBJECT)
    'dc:subject'
    """
    return f"{_PREFIXES[name[0]]}:{name[1]}"


def _find_rdf(data: bytes) -> Node:
    rdf = parse(data).find((_RDF, "RDF"))
    if rdf is None:
        raise DataError("Its XMP holds no rdf:RDF, so nothing is written into it.")
    return rdf


def _find_list(rdf: Node, name: Name) -> Node | None:
    """Return what holds the items of a property; None if there is no such property.

    Raises:
        DataError: the property is no list.
    """
    about = [one for one in rdf.children if one.name == _DESCRIPTION]
    if any(name in one.attributes for one in about):
        raise _refuse_list(name)
    found = [child for one in about for child in one.children if child.name == name]
    if not found:
        return None
    inside = found[0].find(_LIST) if name == _REGIONS else found[0]
    container = inside.find(*_CONTAINERS) if inside else None
    if container is None:
        raise _refuse_list(name)
    return container


def _refuse_list(name: Name) -> DataError:
    return DataError(f"Its {_shorten(name)} is no list as XMP asks for, so nothing is added to it.")


def _add_regions(
    data: bytes, rdf: Node, tags: Tags, *, edits: list[Edit], fresh: list[str]
) -> list[str]:
    """Add those regions where no face is marked yet; return them as `_tell_region` would."""
    if not tags.regions:
        return []
    container = _find_list(rdf, _REGIONS)
    held = [_read_area(item) for item in container.children] if container else []
    new = [
        one
        for one in tags.regions
        if not any(area and _overlap(area, one.area) > _SAME for area in held)
    ]
    if container is not None:
        edits += extend(data, container, [_write_region(container, one) for one in new])
    elif new:
        fresh.append(_write_regions(new, tags.size))
    return [_spell_region(one.area, one.label) for one in new]


def _read_area(item: Node) -> Area | None:
    """Return the middle and size of a region; None where they are not told in shares."""
    area = item.find((_MWG, "Area"))
    if area is None or (area.read((_AREA, "unit")) or "normalized") != "normalized":
        return None
    try:
        x, y, w, h = (float(area.read((_AREA, key)) or "") for key in "xywh")
    except ValueError:
        return None
    return x, y, w, h


def _tell_region(item: Node) -> str:
    """Return what a region says, in the form that is kept of those we add; nothing of others."""
    area, label = _read_area(item), item.read((_MWG, "Description"))
    return _spell_region(area, label) if area and label else ""


def _spell_region(area: Iterable[float], label: str) -> str:
    return " ".join([*(f"{round(value, 6):.4f}" for value in area), label])


def _overlap(one: Area, other: Area) -> float:
    """Return the shared part of two rectangles, of all that they cover together."""
    shared = 1.0
    for at in (0, 1):
        low = max(one[at] - one[at + 2] / 2, other[at] - other[at + 2] / 2)
        high = min(one[at] + one[at + 2] / 2, other[at] + other[at + 2] / 2)
        shared *= max(0.0, high - low)
    whole = one[2] * one[3] + other[2] * other[3] - shared
    return shared / whole if whole > 0 else 0.0


def _write_list(name: Name, items: Iterable[str]) -> str:
    tag = _shorten(name)
    held = "".join(f"\n     <rdf:li>{escape(item)}</rdf:li>" for item in items)
    return f"\n   <{tag}>\n    <rdf:Bag>{held}\n    </rdf:Bag>\n   </{tag}>"


def _write_regions(regions: Iterable[Region], size: tuple[int, int]) -> str:
    held = "".join(f"\n      {_write_region(None, one)}" for one in regions)
    return (
        '\n   <mwg-rs:Regions rdf:parseType="Resource">'
        f'\n    <mwg-rs:AppliedToDimensions xmlns:stDim="{_DIMENSIONS}" '
        f'stDim:w="{size[0]}" stDim:h="{size[1]}" stDim:unit="pixel"/>'
        f"\n    <mwg-rs:RegionList>\n     <rdf:Bag>{held}\n     </rdf:Bag>"
        "\n    </mwg-rs:RegionList>\n   </mwg-rs:Regions>"
    )


def _write_item(container: Node, content: str, *, attributes: str = "") -> str:
    """Write an item of a list, with the prefix that its container has for RDF."""
    tag = f"{container.prefix}:li" if container.prefix else "li"
    return f"<{tag}{attributes}>{content}</{tag}>"


def _write_region(container: Node | None, region: Region) -> str:
    """Write a region that stands for itself, whatever prefixes are known around it."""
    numbers = zip("xywh", region.area, strict=True)
    area = "".join(f' stArea:{key}="{value:.6f}"' for key, value in numbers)
    content = (
        f'<mwg-rs:Area xmlns:stArea="{_AREA}"{area} stArea:unit="normalized"/>'
        "<mwg-rs:Type>Face</mwg-rs:Type>"
        f"<mwg-rs:Description>{escape(region.label)}</mwg-rs:Description>"
    )
    attributes = f' xmlns:rdf="{_RDF}" xmlns:mwg-rs="{_MWG}" rdf:parseType="Resource"'
    around = container or Node("rdf", (_RDF, "Bag"), {}, 0, 0)
    return _write_item(around, content, attributes=attributes)


def _describe(rdf: Node, properties: Iterable[str]) -> str:
    """Write a description of the same photo as those that are there."""
    held = "".join(properties)
    about = next((one.attributes[_ABOUT] for one in rdf.children if _ABOUT in one.attributes), "")
    known = {
        name: prefix
        for name, prefix in _PREFIXES.items()
        if (f"<{prefix}:" in held and prefix != rdf.prefix) or (prefix == "rdf" != rdf.prefix)
    }
    spaces = "".join(f'\n    xmlns:{prefix}="{name}"' for name, prefix in known.items())
    return f"<rdf:Description rdf:about={quoteattr(about)}{spaces}>{held}\n  </rdf:Description>"
