"""Packets of all kinds get our keywords and regions, and keep everything else to the last byte."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gafas.errors import DataError
from gafas.tagging.packets import parse
from gafas.tagging.xmp import Region, Tags, is_empty, merge, remove

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TAGS = Tags(("sunglasses",), (Region((0.5, 0.25, 0.2, 0.3), "sunglasses"),), (640, 480))
WORDS = Tags(("sunglasses",))

# As programs write them: lists as elements, values as attributes, foreign prefixes and comments.
DIGIKAM = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="{RDF}">
  <rdf:Description rdf:about="uuid:1"
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:own="https://example.org/a>b/"
   own:secret='1 > 0 &amp; "yes"'>
   <!-- kept -->
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>places/beach</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>beach</rdf:li>
     <rdf:li>José &amp; co</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag/>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
LIGHTROOM = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">
<rdf:Description rdf:about="" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 crs:Exposure2012="+0.35"><mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>
 <rdf:li><rdf:Description mwg-rs:Name="Ann" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="0.51"
 stArea:y="0.26" stArea:w="0.2" stArea:h="0.28"/></rdf:Description></rdf:li>
</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"""
OTHER_PREFIXES = f"""<?xml version="1.0" encoding="UTF-8"?>
<r:RDF xmlns:r="{RDF}"><r:Description r:about=""
 xmlns:k="http://purl.org/dc/elements/1.1/"><k:subject><r:Bag><r:li>sea</r:li></r:Bag></k:subject>
</r:Description></r:RDF>
"""
BARE = f'<rdf:RDF xmlns:rdf="{RDF}"/>'
PACKETS = {
    "digiKam": DIGIKAM,
    "Lightroom": LIGHTROOM,
    "other prefixes": OTHER_PREFIXES,
    "bare": BARE,
}


def read_list(packet: bytes, name: str) -> list[str]:
    """Return the items of the lists of a name, whatever their prefixes."""
    root = parse(packet)
    return [
        item.text.strip()
        for node in root.walk()
        if node.name[1] == name
        for item in node.walk()
        if item.name[1] == "li"
    ]


def test_a_new_packet_holds_the_keywords_flat_and_in_their_hierarchy() -> None:
    packet, added = merge(None, WORDS)
    assert read_list(packet, "subject") == ["sunglasses"]
    assert read_list(packet, "hierarchicalSubject") == ["eyewear|sunglasses"]
    assert b"TagsList" not in packet
    assert added == {
        "dc:subject": ["sunglasses"],
        "lr:hierarchicalSubject": ["eyewear|sunglasses"],
    }


@pytest.mark.parametrize("name", PACKETS)
def test_what_was_there_stays_to_the_last_byte(name: str) -> None:
    before = PACKETS[name].encode()
    after, added = merge(before, TAGS)
    assert added
    kept = iter(after)
    if name != "bare":  # whose one tag becomes two
        assert all(byte in kept for byte in before), "nothing is taken away, and the order stays"
    assert parse(after)


@pytest.mark.parametrize("name", PACKETS)
def test_the_same_again_changes_nothing(name: str) -> None:
    after, _ = merge(PACKETS[name].encode(), TAGS)
    again, added = merge(after, TAGS)
    assert again == after
    assert not added


@pytest.mark.parametrize("name", ["digiKam", "Lightroom", "other prefixes"])
def test_what_was_put_in_can_be_taken_out(name: str) -> None:
    before = PACKETS[name].encode()
    after, added = merge(before, TAGS)
    # Of an empty list nobody knows any more that it was there.
    wanted = re.sub(
        rb"\s*<lr:hierarchicalSubject>.*</lr:hierarchicalSubject>", b"", before, flags=re.S
    )
    assert remove(after, added) == wanted


def test_keywords_join_the_lists_that_are_there() -> None:
    after, added = merge(DIGIKAM.encode(), WORDS)
    assert read_list(after, "subject") == ["beach", "José & co", "sunglasses"]
    assert read_list(after, "hierarchicalSubject") == ["eyewear|sunglasses"]
    assert read_list(after, "TagsList") == ["places/beach", "eyewear/sunglasses"]
    assert set(added) == {"dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList"}
    assert after.count(b"<rdf:Description") == 1
    assert b"\n     <rdf:li>sunglasses</rdf:li>\n    </rdf:Bag>" in after, "spaced as the others"


def test_what_somebody_else_wrote_is_not_ours_to_take_out() -> None:
    before = DIGIKAM.replace("<rdf:li>beach</rdf:li>", "<rdf:li>sunglasses</rdf:li>").encode()
    after, added = merge(before, WORDS)
    assert "dc:subject" not in added
    assert read_list(after, "subject") == read_list(before, "subject")
    assert read_list(remove(after, added), "subject") == read_list(before, "subject")


def test_a_description_speaks_of_the_same_photo_as_the_others() -> None:
    after, _ = merge(DIGIKAM.encode(), TAGS)
    assert re.findall(rb'rdf:about="(.*?)"', after) == [b"uuid:1"] * 2


def test_a_face_that_somebody_marked_is_not_marked_again() -> None:
    after, added = merge(LIGHTROOM.encode(), TAGS)
    assert "mwg-rs:RegionList" not in added
    far = Tags(("sunglasses",), (Region((0.2, 0.8, 0.1, 0.1), "sunglasses"),), (640, 480))
    after, added = merge(LIGHTROOM.encode(), far)
    assert added["mwg-rs:RegionList"] == ["0.2000 0.8000 0.1000 0.1000 sunglasses"]
    assert after.count(b"RegionList>") == 2
    assert b"Ann" in after


def test_a_face_is_told_in_shares_and_bears_no_name() -> None:
    packet, _ = merge(None, TAGS)
    node = next(one for one in parse(packet).walk() if one.name[1] == "Area")
    area = {name[1]: value for name, value in node.attributes.items()}
    assert area == {
        **{"x": "0.500000", "y": "0.250000", "w": "0.200000", "h": "0.300000"},
        "unit": "normalized",
    }
    assert b"Type>Face<" in packet
    assert b'w="640" stDim:h="480" stDim:unit="pixel"' in packet
    assert b"mwg-rs:Name" not in packet


def test_regions_that_are_taken_out_leave_no_dimensions_behind() -> None:
    packet, added = merge(None, TAGS)
    left = remove(packet, added)
    assert is_empty(left)
    assert not is_empty(packet)
    assert b"mwg-rs" not in left


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)))
def test_any_keyword_is_read_as_it_was_written(words: list[str]) -> None:
    words = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    packet, _ = merge(DIGIKAM.encode(), Tags(tuple(words)))
    assert set(words) <= set(read_list(packet, "subject"))
    assert merge(packet, Tags(tuple(words))) == (packet, {})


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        (b"<x:xmpmeta", "broken"),
        (b"", "broken"),
        (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>', "no rdf:RDF"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + BARE.encode(), "document type"),
        (b'<?xml version="1.0" encoding="latin-1"?>' + BARE.encode(), "latin-1"),
        (BARE.encode("utf-16"), "UTF-8"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "nested deeper"),
        (
            DIGIKAM.encode().replace(b"<rdf:Bag>", b"<rdf:p>").replace(b"</rdf:Bag>", b"</rdf:p>"),
            "no list",
        ),
        (DIGIKAM.encode().replace(b"own:secret", b"dc:subject"), "no list"),
        (LIGHTROOM.encode().replace(b"RegionList", b"RegionHeap"), "no list"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(packet: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        merge(packet, TAGS)
