"""Who the drawn people are, what they wear, where they sit, and how for each of their photos.

Lengths are in distances between the eyes, about the point between them: x to the picture's right,
y down, z towards the camera, on a head that looks into it. Tones are 0–255 under full light.
"""

import dataclasses
from typing import Final, NamedTuple

import numpy as np

from gafas.synthesis.glasses import Glasses, Outline
from gafas.synthesis.solids import Floats, Place, Solid

WIDTH: Final = 128
HEIGHT: Final = 120

FINE: Final = 2
"""Drawn pixels per side of a pixel of the photo."""

_HIGH: Final = HEIGHT * FINE
_WIDE: Final = WIDTH * FINE

PEOPLE: Final = 20
_POSES: Final = {"left": (1, 0), "right": (-1, 0), "straight": (0, 0), "up": (0, 1)}
POSES: Final = tuple(_POSES)

READING: Final = {
    2: Glasses(outline=Outline(0.8, 0.5, 3.4, 2.8, 0.04), rim=0.065),
    5: Glasses(
        outline=Outline(0.8, 0.76, 2.0, 2.0),
        gap=0.26, rim=0.03, wire=0.035, drop=0.12, colour=(60, 60, 64),
    ),
    8: Glasses(outline=Outline(0.86, 0.62, 3.6, 2.4, 0.08, 0.05), gap=0.22, rim=0.11, drop=0.1),
    11: Glasses(outline=Outline(0.78, 0.44, 2.6, 2.4), rim=0.03, wire=0.04, colour=(120, 116, 110)),
    14: Glasses(
        outline=Outline(0.96, 0.8, 2.6, 2.2, 0.04, -0.08, 0.2),
        gap=0.24, rim=0.035, wire=0.04, drop=0.16, colour=(70, 62, 52),
    ),
    16: Glasses(
        outline=Outline(0.86, 0.56, 3.0, 2.2, 0.06, 0.2),
        gap=0.24, rim=0.09, drop=0.08, colour=(50, 34, 30),
    ),
    19: Glasses(outline=Outline(0.82, 0.56, 4.0, 2.2, 0.05), rim=0.095, lower_rim=0.2, drop=0.08),
}  # fmt: skip
"""The eyeglasses of those who wear some, by their number."""

SUNGLASSES: Final = (
    Glasses(
        outline=Outline(1.0, 0.74, 3.2, 2.3, 0.08, 0.06),
        gap=0.2, rim=0.07, drop=0.13, darkness=0.96, gradient=0.08,
    ),
    Glasses(
        outline=Outline(1.04, 0.84, 2.8, 2.2, 0.06, -0.1, 0.2),
        gap=0.2, rim=0.04, drop=0.18, darkness=0.93, gradient=0.12, colour=(90, 80, 60),
    ),
)  # fmt: skip
"""The two pairs that lay about for everybody to put on."""

_STYLES: Final = (
    "short", "parted", "fringe", "long", "curly", "bald", "receding", "bob", "bun", "shorn",
)  # fmt: skip
_PATTERNS: Final = ("plain", "plaid", "stripes", "pinstripes", "dots")
_NECKS: Final = ("round", "collar", "open", "jacket")


class Mien(NamedTuple):
    """The look of a face, as of an expression."""

    lids: float = 1.0  # how wide the eyes are open
    smile: float = 0.0  # how far the mouth's corners are up, -1 to 1
    teeth: float = 0.0  # how far it is open
    frown: float = 0.0  # by how much the brows' inner ends are low, -1 to 1
    lift: float = 0.0  # how high the brows are

    def weaken(self, strength: float) -> "Mien":
        """Return less of an expression than all of it, which is 1."""
        return Mien(
            lids=1 + (self.lids - 1) * strength,
            smile=self.smile * strength,
            teeth=self.teeth * (strength - 0.3),
            frown=self.frown * strength,
            lift=self.lift * strength,
        )


_MIENS: Final = {
    "neutral": Mien(),
    "happy": Mien(0.75, smile=0.9, teeth=0.13, lift=0.03),
    "sad": Mien(0.65, smile=-0.7, frown=-0.8, lift=0.03),
    "angry": Mien(0.8, smile=-0.35, frown=1.0, lift=-0.06),
}
EXPRESSIONS: Final = tuple(_MIENS)


@dataclasses.dataclass(frozen=True, slots=True)
class Hair:
    """A head of hair."""

    solids: tuple[Solid, ...]
    tone: float
    line: float  # how low it reaches on the forehead
    sweep: float  # by which that line falls to one side
    side: float  # how far it comes forward on the temples
    low: float  # how far it reaches down in front of the ears
    curl: float = 0.0  # how restless its surface is


class Cloth(NamedTuple):
    """What somebody wears: kinds of pattern and of neck, two tones, the pattern's size."""

    pattern: str
    neck: str
    tone: float
    second: float
    size: float


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """All that stays the same in the photos of a person."""

    head: tuple[Solid, ...]
    shoulders: tuple[Solid, ...]  # what the cloth covers
    skin: float
    hair: Hair
    cloth: Cloth
    room: Floats  # behind them, in `FINE` times the pixels of a photo
    lamp: tuple[float, float]  # how far to the right, and down, for what is 1 towards the camera
    ambient: float  # how bright what is turned away from the lamp is, 0–1
    sockets: float  # how dark the eyes' sockets are, 0–1
    brow: float  # the tone of brows and beard
    brows: float  # half their thickness
    iris: float
    lips: float  # their tone as a share of the skin's
    beard: float  # how much it hides of the chin, 0–1
    moustache: float  # how much it hides of the upper lip, 0–1


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """All that differs between the photos of a person."""

    angles: Place  # yaw to the picture's right, pitch up, roll, in radians
    place: tuple[float, float]  # of the point between the eyes, looking ahead, in pixels
    unit: float  # the distance between the eyes, in pixels of the photo
    mien: Mien
    gaze: float  # how far to the right the eyes look
    lamp: tuple[float, float]  # by how much it has moved
    exposure: float
    blur: int  # how often the photo is smoothed
    grain: float  # the deviation of the noise


@dataclasses.dataclass(frozen=True, slots=True)
class Sitter:
    """A person, the pairs they wear, and how they use to sit: their photos vary about it."""

    person: Person
    eyeglasses: Glasses | None
    sunglasses: Glasses
    place: tuple[float, float]  # this and the next as in a `Moment`
    unit: float
    turn: float  # how far they turn to a side, in radians
    rise: float  # how far they look up
    blur: int  # the least of theirs


def cast_sitters(seed: int) -> list[Sitter]:
    """Draw `PEOPLE` people who differ: what matters is dealt out evenly, not drawn for each."""
    dealer = np.random.default_rng([seed, 0])
    kinds = ("skin", "hair", "style", "cloth", "neck", "room")
    hands = {kind: dealer.permutation(PEOPLE) for kind in kinds}
    return [
        _cast(
            np.random.default_rng([seed, number]),
            number,
            {k: int(hands[k][number - 1]) for k in kinds},
        )
        for number in range(1, PEOPLE + 1)
    ]


def _cast(generator: np.random.Generator, number: int, hand: dict[str, int]) -> Sitter:
    draw = generator.uniform
    wide = draw(0.93, 1.08)
    skin = 105 + 130 * hand["skin"] / (PEOPLE - 1)
    hair = _comb(generator, _STYLES[hand["style"] % len(_STYLES)], wide=wide)
    tone = 12 + 190 * (hand["hair"] / (PEOPLE - 1)) ** 2.2
    bearded = hair.low < 1 and generator.random() < 0.45
    moustached = hair.low < 1 and generator.random() < 0.35
    person = Person(
        head=_mould_head(generator, wide=wide),
        shoulders=_mould_shoulders(draw(0.9, 1.12)),
        skin=skin,
        hair=dataclasses.replace(hair, tone=tone),
        cloth=_dress(generator, skin, hand),
        room=_furnish(generator, hand["room"]),
        lamp=(draw(-0.9, 0.9), draw(-0.8, -0.1)),
        ambient=draw(0.34, 0.5),
        sockets=draw(0.05, 0.4),
        brow=min(tone * 0.8, skin * 0.6),
        brows=draw(0.03, 0.1),
        iris=draw(15, 110),
        lips=draw(0.55, 0.85),
        beard=draw(0.3, 0.95) if bearded else 0.0,
        moustache=draw(0.5, 0.95) if moustached else 0.0,
    )
    return Sitter(
        person,
        READING.get(number),
        SUNGLASSES[number % 2],
        place=(draw(44, 84), draw(37, 58)),
        unit=draw(12.5, 18.5),
        turn=draw(0.65, 1.2),
        rise=draw(0.4, 0.75),
        blur=int(generator.integers(0, 3)),
    )


def sit(generator: np.random.Generator, sitter: Sitter, pose: str, expression: str) -> Moment:
    """Draw how somebody sits for a photo: no two are alike."""
    yaw, pitch = _POSES[pose]
    sway = generator.normal(
        0.0, (0.04, 0.035, 0.025, 1.0, 0.8, 0.015, 0.03, 0.03, 0.03, 0.03)
    ).tolist()
    return Moment(
        angles=(yaw * sitter.turn + sway[0], pitch * sitter.rise + sway[1], sway[2]),
        place=(sitter.place[0] + sway[3], sitter.place[1] + sway[4]),
        unit=sitter.unit * (1 + sway[5]),
        mien=_MIENS[expression].weaken(generator.uniform(0.5, 1.1)),
        gaze=sway[6],
        lamp=(sway[7], sway[8]),
        exposure=1.12 + sway[9],
        blur=sitter.blur + int(generator.integers(0, 2)),
        grain=generator.uniform(1.0, 2.5),
    )


def _mould_head(generator: np.random.Generator, *, wide: float) -> tuple[Solid, ...]:
    draw = generator.uniform
    long, jaw, nose = draw(0.94, 1.1), draw(0.84, 1.12), draw(0.8, 1.3)
    return (
        Solid((0, -0.55, -1.2), (1.2 * wide, 1.28, 1.38)),
        Solid((0, 0.5 * long, -0.72), (1.04 * wide * jaw**0.5, 1.38 * long, 0.88)),
        Solid((0, 1.52 * long, -0.4), (0.55 * jaw, 0.4, draw(0.46, 0.56))),
        Solid((0, -0.3, -0.3), (wide, 0.22, draw(0.42, 0.54)), blend=0.2),
        Solid((0, 0.5, -0.45), (1.04 * wide, 0.5, draw(0.42, 0.56))),
        Solid((0, 0.3, 0.1), (0.15, 0.5, 0.19 * nose), tilt=0.35, blend=0.12),
        Solid((0, 0.64, 0.25), (0.19 * nose, 0.15, 0.28 * nose), blend=0.1),
        Solid((0.17 * nose, 0.68, 0.1), (0.11, 0.1, 0.17), blend=0.08, both=True),
        Solid((0, 1.1, -0.16), (0.55, 0.32, 0.36), blend=0.15),
        Solid(
            (1.13 * wide, 0.2, -1.2), (0.11, 0.36, draw(0.2, 0.3)), tilt=0.2, blend=0.05, both=True
        ),
    )


def _mould_shoulders(broad: float) -> tuple[Solid, ...]:
    return (
        Solid((0, 5.4, -1.45), (3.5 * broad, 2.4, 1.3)),
        Solid((0, 3.6, -1.5), (2.4 * broad, 1.25, 0.95), blend=0.7),
    )


def _comb(generator: np.random.Generator, style: str, *, wide: float) -> Hair:
    """Make a head of hair; its tone is still to be chosen."""
    draw, thick = generator.uniform, generator.uniform(0.07, 0.18)
    cap = Solid((0, -0.58, -1.25), (1.2 * wide + thick, 1.28 + thick, 1.38 + thick))
    tight = Solid((0, -0.55, -1.23), (1.22 * wide, 1.32, 1.42))
    sides = Solid((1.06 * wide, 0.9, -1.25), (0.38, draw(1.1, 1.9), 0.75), both=True)
    short = Hair((cap,), 0.0, line=draw(-0.98, -0.78), sweep=draw(-0.1, 0.1), side=-0.62, low=0.3)
    change = dataclasses.replace
    match style:
        case "parted":
            top = Solid((draw(-0.3, 0.3), -1.55, -0.7), (0.95, 0.5, 0.9))
            sweep = draw(0.25, 0.45) * generator.choice((-1, 1))
            return change(short, solids=(cap, top), line=-0.85, sweep=sweep)
        case "fringe":
            top = Solid((0, -0.9, -0.35), (1.0, 0.75, 0.7))
            return change(short, solids=(cap, top), line=draw(-0.55, -0.42), side=-0.7, low=0.6)
        case "long":
            back = Solid((0, 0.9, -2.0), (1.2, 2.2, 0.75))
            return change(short, solids=(cap, back, sides), line=-0.95, low=9.0, side=-0.55)
        case "bob":
            back = Solid((0, 0.3, -2.0), (1.25, 1.4, 0.9))
            line = draw(-0.9, -0.5)
            return change(short, solids=(cap, back, sides), line=line, low=9.0, side=-0.55)
        case "curly":
            big = Solid((0, -0.75, -1.3), (1.5 * wide, 1.55, 1.6))
            return change(short, solids=(big, sides), line=-0.8, low=9.0, side=-0.75, curl=0.1)
        case "bun":
            knot = Solid((0, -1.5, -2.4), (0.6, 0.6, 0.6), blend=0.1)
            return change(short, solids=(tight, knot), line=-1.05, low=0.1, side=-0.9)
        case "receding":
            return change(short, line=-1.3, side=-0.95, low=0.2, sweep=0.0)
        case "shorn":
            return change(short, solids=(tight,), line=-1.0, low=0.25)
        case "bald":
            ring = Solid((0, -0.3, -1.35), (1.28 * wide, 1.05, 1.38))
            return change(short, solids=(ring,), line=-9.0, side=-1.3, low=0.35)
    return short


def _dress(generator: np.random.Generator, skin: float, hand: dict[str, int]) -> Cloth:
    tone, second = generator.uniform(20, 235, 2).tolist()
    if abs(tone - skin) < 40:  # or it would look like none
        tone = skin - 70
    pattern, neck = _PATTERNS[hand["cloth"] % len(_PATTERNS)], _NECKS[hand["neck"] % len(_NECKS)]
    return Cloth(pattern, neck, tone, second, size=generator.uniform(0.3, 0.8))


def _furnish(generator: np.random.Generator, kind: int) -> Floats:
    """Draw a room out of focus, in `FINE` times the pixels of a photo."""
    room = _ROOMS[kind % len(_ROOMS)](generator, generator.uniform(40, 130))
    for _ in range(int(generator.integers(2, 6))):
        around = np.roll(room, 1, 0) + np.roll(room, -1, 0) + np.roll(room, 1, 1)
        room = (around + np.roll(room, -1, 1) + 2 * room) / 6
    seen: Floats = np.clip(room, 5, 220) * generator.uniform(0.4, 1.1)
    return seen


def _draw_posters(generator: np.random.Generator, tone: float) -> Floats:
    room = _paint(tone)
    for _ in range(26):
        x, y, wide, high = generator.uniform((-10, -10, 12, 12), (_WIDE, 170, 42, 36))
        edge, inside = generator.uniform(15, 190, 2)
        _fill(room, x, y, wide, high, edge)
        _fill(room, x + 3, y + 3, wide - 6, high - 6, inside)
    return room


def _draw_shelves(generator: np.random.Generator, tone: float) -> Floats:
    room = _paint(tone)
    for shelf in range(-10, _HIGH, int(generator.integers(38, 52))):
        x = 0.0
        while x < _WIDE:
            wide, high = generator.uniform((5, 22), (14, 34))
            _fill(room, x, shelf + 36 - high, wide, high, generator.uniform(20, 170))
            x += wide
        _fill(room, 0, shelf + 36, _WIDE, 5, tone * 1.3)
    return room


def _draw_window(generator: np.random.Generator, tone: float) -> Floats:
    room, (x, wide) = _paint(tone), generator.uniform((-20, 90), (130, 150))
    _fill(room, x, 0, wide, 180, generator.uniform(130, 220))
    for blind in range(0, 180, 10):
        _fill(room, x, blind, wide, 3, tone)
    _fill(room, x + wide / 2, 0, 6, 180, tone * 0.8)
    return room


def _draw_bricks(generator: np.random.Generator, tone: float) -> Floats:
    y, x = np.mgrid[:_HIGH, :_WIDE].astype(np.float32)
    row = np.floor(y / 14)
    column = x + 14 * (row % 2) + np.float32(generator.uniform(0, 28))
    room: Floats = tone * (1 + 0.12 * np.sin(row * 12.9 + np.floor(column / 28) * 78.2))
    room[(y % 14 < 2) | (column % 28 < 2)] = tone * 1.4
    return room


def _draw_curtain(generator: np.random.Generator, tone: float) -> Floats:
    y, x = np.mgrid[:_HIGH, :_WIDE].astype(np.float32)
    fold, phase = generator.uniform((5, 0), (12, 6))
    hanging: Floats = tone * (1 + 0.35 * np.sin(x / fold + phase + 0.6 * np.sin(y / 60)))
    return hanging


def _draw_machines(generator: np.random.Generator, tone: float) -> Floats:
    room = _paint(tone)
    for _ in range(9):
        x, y, wide, high = generator.uniform((-20, 50, 30, 30), (_WIDE, 190, 60, 60))
        case, screen = generator.uniform((20, 50), (80, 170))
        _fill(room, x, y, wide, high, case)
        _fill(room, x + 6, y + 6, wide - 12, high - 20, screen)
    return room


def _draw_wall(generator: np.random.Generator, tone: float) -> Floats:
    y, x = np.mgrid[:_HIGH, :_WIDE].astype(np.float32)
    room: Floats = tone * (1 + 0.3 * np.sin(x / 90 + generator.uniform(0, 6)) * np.sin(y / 110))
    _fill(room, 0, generator.uniform(120, 190), _WIDE, 4, tone * 1.5)
    return room


_ROOMS: Final = (
    _draw_posters, _draw_shelves, _draw_window, _draw_bricks, _draw_curtain, _draw_machines,
    _draw_wall,
)  # fmt: skip


def _paint(tone: float) -> Floats:
    return np.full((_HIGH, _WIDE), tone, np.float32)


def _fill(room: Floats, x: float, y: float, wide: float, high: float, tone: float) -> None:
    bottom, right = max(0, int(y + high)), max(0, int(x + wide))
    room[max(0, int(y)) : bottom, max(0, int(x)) : right] = tone
