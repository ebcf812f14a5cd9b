"""Rooms behind drawn people, in grey."""

from collections.abc import Callable
from typing import Final

import numpy as np

from gafas.synthesis.solids import Floats

WIDTH: Final = 128
HEIGHT: Final = 120

FINE: Final = 2
"""Drawn pixels per side of a pixel of the photo."""

_ROWS: Final = HEIGHT * FINE
_COLUMNS: Final = WIDTH * FINE


def furnish_room(generator: np.random.Generator, kind: str) -> Floats:
    """Draw a room of a kind from `ROOMS`, out of focus: tones, a `FINE` multiple of a photo."""
    room = _KINDS[kind](generator, generator.uniform(40, 130))
    for _ in range(int(generator.integers(2, 6))):
        around = np.roll(room, 1, 0) + np.roll(room, -1, 0) + np.roll(room, 1, 1)
        room = (around + np.roll(room, -1, 1) + 2 * room) / 6
    seen: Floats = np.clip(room, 5, 220) * generator.uniform(0.4, 1.1)
    return seen


def _draw_posters(generator: np.random.Generator, tone: float) -> Floats:
    room = _paint(tone)
    for _ in range(26):
        x, y, wide, high = generator.uniform((-10, -10, 12, 12), (_COLUMNS, 170, 42, 36))
        edge, inside = generator.uniform(15, 190, 2)
        _fill(room, x, y, wide, high, edge)
        _fill(room, x + 3, y + 3, wide - 6, high - 6, inside)
    return room


def _draw_shelves(generator: np.random.Generator, tone: float) -> Floats:
    room = _paint(tone)
    for shelf in range(-10, _ROWS, int(generator.integers(38, 52))):
        x = 0.0
        while x < _COLUMNS:
            wide, high = generator.uniform((5, 22), (14, 34))
            _fill(room, x, shelf + 36 - high, wide, high, generator.uniform(20, 170))
            x += wide
        _fill(room, 0, shelf + 36, _COLUMNS, 5, tone * 1.3)
    return room


def _draw_window(generator: np.random.Generator, tone: float) -> Floats:
    room, (x, wide) = _paint(tone), generator.uniform((-20, 90), (130, 150))
    _fill(room, x, 0, wide, 180, generator.uniform(130, 220))
    for blind in range(0, 180, 10):
        _fill(room, x, blind, wide, 3, tone)
    _fill(room, x + wide / 2, 0, 6, 180, tone * 0.8)
    return room


def _draw_bricks(generator: np.random.Generator, tone: float) -> Floats:
    y, x = np.mgrid[:_ROWS, :_COLUMNS].astype(np.float32)
    row = np.floor(y / 14)
    column = x + 14 * (row % 2) + np.float32(generator.uniform(0, 28))
    room: Floats = tone * (1 + 0.12 * np.sin(row * 12.9 + np.floor(column / 28) * 78.2))
    room[(y % 14 < 2) | (column % 28 < 2)] = tone * 1.4
    return room


def _draw_curtain(generator: np.random.Generator, tone: float) -> Floats:
    y, x = np.mgrid[:_ROWS, :_COLUMNS].astype(np.float32)
    fold, phase = generator.uniform((5, 0), (12, 6))
    hanging: Floats = tone * (1 + 0.35 * np.sin(x / fold + phase + 0.6 * np.sin(y / 60)))
    return hanging


def _draw_machines(generator: np.random.Generator, tone: float) -> Floats:
    room = _paint(tone)
    for _ in range(9):
        x, y, wide, high = generator.uniform((-20, 50, 30, 30), (_COLUMNS, 190, 60, 60))
        case, screen = generator.uniform((20, 50), (80, 170))
        _fill(room, x, y, wide, high, case)
        _fill(room, x + 6, y + 6, wide - 12, high - 20, screen)
    return room


def _draw_wall(generator: np.random.Generator, tone: float) -> Floats:
    y, x = np.mgrid[:_ROWS, :_COLUMNS].astype(np.float32)
    room: Floats = tone * (1 + 0.3 * np.sin(x / 90 + generator.uniform(0, 6)) * np.sin(y / 110))
    _fill(room, 0, generator.uniform(120, 190), _COLUMNS, 4, tone * 1.5)
    return room


_KINDS: Final[dict[str, Callable[[np.random.Generator, float], Floats]]] = {
    "posters": _draw_posters,
    "shelves": _draw_shelves,
    "window": _draw_window,
    "bricks": _draw_bricks,
    "curtain": _draw_curtain,
    "machines": _draw_machines,
    "wall": _draw_wall,
}

ROOMS: Final = tuple(_KINDS)


def _paint(tone: float) -> Floats:
    return np.full((_ROWS, _COLUMNS), tone, np.float32)


def _fill(room: Floats, x: float, y: float, wide: float, high: float, tone: float) -> None:
    rows, columns = (
        slice(max(0, int(y)), max(0, int(y + high))),
        slice(max(0, int(x)), max(0, int(x + wide))),
    )
    room[rows, columns] = tone
