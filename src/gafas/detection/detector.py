"""Image → faces, with RetinaFace-MobileNet0.25 on ONNX Runtime.

The schedule, of which `benchmarks/detector.py` measures what each rule finds, loses and costs:

1. Look at the photo reduced to a small size.
2. If nothing shows, or something is doubtful, look again, larger; and at a big photo, if something
   is doubtful even then, larger still.
3. If still nothing was found, a face may fill the photo: look with a border around it.
4. If nothing was found, the surest face is not quite sure, or its mouth is not below its eyes, the
   photo may lie on its side or upside down: look at it turned by quarters.

Whoever can tell a face from what is none asks for doubtful candidates, too. The looks are the same;
of a photo that was turned, candidates from both ways are kept, for some turns are wrong.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from gafas.detection.candidates import (
    CONFIDENCE,
    Floats,
    find_doubtful,
    measure_sides,
    suppress,
    turn_back,
)
from gafas.detection.retinaface import decode, fit, prepare, restore
from gafas.results import Face, ImageArray
from gafas.weights import open_session, read_bundled

CONFIDENT: Final = 0.4
"""A candidate of less confidence is not called a face."""

HINT: Final = 0.07
"""A candidate of less confidence is nothing; of more, it is worth a larger look."""

SURE: Final = 0.9
"""A face of more confidence is not doubted."""

UPRIGHT: Final = 0.97
"""Nearly all upright faces are found with more confidence than this."""

LARGE_SIDE: Final = 640
"""Decoded so large, a photo shows all faces but those of a crowd."""

TURNED_SIDE: Final = 320
BORDERED_SIDE: Final = 128
BORDER: Final = 64

_EVERY_SIDE: Final = (192, 320, LARGE_SIDE, 1280)

_CLEARLY: Final = 0.02  # so much more confident a face must be in the turned photo


def choose_sides(longer: int) -> tuple[int, ...]:
    """Say how large to look at a photo, by its longer side: first, then if in doubt.

    Small photos are enlarged: of a face of less than sixteen pixels hardly anything is seen.
    """
    if longer < 128:
        return (256,)
    if longer < 320:
        return (320 if longer < 192 else 192, 512)
    return (320, LARGE_SIDE) if longer <= LARGE_SIDE else (320, LARGE_SIDE, 1280)


class FaceDetector:
    """Find the faces in an image.

    One detector may be used by several threads at once; it keeps no state between images.

    Args:
        threads: how many threads work on one image.
        providers: what runs it, the first choice first: `cpu`, `cuda` and so on, or onnxruntime's
            own names; the processor if left out.

    Raises:
        ModelError: a provider is not to be had.
    """

    def __init__(self, *, threads: int = 1, providers: Sequence[str] | None = None) -> None:
        name = "retinaface.onnx"
        self._session = open_session(
            read_bundled(name), origin=name, threads=threads, providers=providers
        )

    def detect(self, image: ImageArray, *, least: float = CONFIDENT) -> list[Face]:
        """Find the faces in an upright `(H, W, 3)` RGB image of any size.

        Boxes and landmarks are in the image's pixels; a box may reach past the border. The faces
        are sorted by confidence, the most confident first; ties by position in the
        photo as it was seen. In a photo that lies on its side or upside down, landmarks are those
        of the faces as they lie.

        Args:
            image: the photo.
            least: with less than `CONFIDENT`, candidates of so much confidence are given, too: what
                is no face in the end is for the caller to tell. Under `HINT` nothing is seen.
        """
        found = self._search(image, least=least)
        needed = _find_turn_limit(_keep(found, CONFIDENT))
        if needed is not None:
            found = self._search_turned(image, found, needed=needed, least=least)
        return [_make_face(row) for row in found]

    def propose(self, image: ImageArray, *, least: float) -> list[Face]:
        """Return whatever may be a face, to learn from: all looks, at every size, taken together.

        `least` is the confidence of the most doubtful; the most confident come first.
        """
        looks = [self.find_candidates(image, side=side) for side in _EVERY_SIDE]
        seen = suppress(np.concatenate(looks))
        return [_make_face(row) for row in seen[seen[:, CONFIDENCE] >= least]]

    def find_candidates(self, image: ImageArray, *, side: int, border: int = 0) -> Floats:
        """Look once, with the image's longer side resized to `side` (at most four-fold).

        `border` pixels of grey are put around the resized image. Returns one row per candidate,
        however doubtful (confidence above `HINT`), the most confident first: x1, y1, x2, y2,
        confidence, and five points.
        """
        across, down = fit(image, side)
        outputs = self._session.run(None, {"input": prepare(image, (across, down), border=border)})
        rows = decode(outputs, (across + 2 * border, down + 2 * border), least=HINT)
        height, width = image.shape[:2]
        restore(rows, scale=(width / across, height / down), border=border)
        return suppress(rows)

    def _search(self, image: ImageArray, *, least: float) -> Floats:
        longer = max(image.shape[:2])
        first, *larger = choose_sides(longer)
        seen = self.find_candidates(image, side=first)
        found = _keep(seen, least)
        for side in larger:
            nothing = not len(seen) and side <= LARGE_SIDE
            if not (nothing or len(find_doubtful(seen, sure=SURE))):
                break
            seen = self.find_candidates(image, side=side)
            # Of what is large the first look showed enough: in a larger one a cat may seem a face.
            small = seen[measure_sides(seen) < longer / 2]
            found = suppress(np.concatenate([found, _keep(small, least)]))
        if len(_keep(found, CONFIDENT)):
            return found
        return suppress(np.concatenate([found, self._search_bordered(image, least=least)]))

    def _search_bordered(self, image: ImageArray, *, least: float) -> Floats:
        return _keep(self.find_candidates(image, side=BORDERED_SIDE, border=BORDER), least)

    def _search_turned(
        self, image: ImageArray, found: Floats, *, needed: float, least: float
    ) -> Floats:
        """Return what the turned photo shows if a face is surer there than `needed`."""
        turned = {quarters: np.rot90(image, quarters) for quarters in (1, 2, 3)}
        surest = {
            quarters: self.find_candidates(photo, side=TURNED_SIDE)[:, CONFIDENCE].max(initial=0)
            for quarters, photo in turned.items()
        }
        best = max(surest, key=lambda quarters: float(surest[quarters]))
        if surest[best] <= needed:
            return found
        height, width = image.shape[:2]
        rows = self._search(np.ascontiguousarray(turned[best]), least=least)
        if not len(_keep(rows, CONFIDENT)):
            return found
        back = turn_back(rows, best, width=width, height=height)
        return back if least >= CONFIDENT else suppress(np.concatenate([back, found]))


def _keep(rows: Floats, least: float) -> Floats:
    return rows[rows[:, CONFIDENCE] >= least]


def _find_turn_limit(faces: Floats) -> float | None:
    """Return how sure a face must be in the turned photo to be believed; None: turn it not."""
    if not len(faces):
        return SURE
    surest = float(faces[0, CONFIDENCE])
    if not _stands(faces[0]):
        return surest
    return surest + _CLEARLY if surest < UPRIGHT else None


def _stands(face: Floats) -> bool:
    """Say whether the mouth is below the eyes rather than beside or above them."""
    eyes, mouth = face[5:9].reshape(2, 2).mean(axis=0), face[11:15].reshape(2, 2).mean(axis=0)
    right, down = mouth - eyes
    return bool(down >= abs(right))


def _make_face(row: Floats) -> Face:
    x1, y1, x2, y2, confidence, *flat = (float(value) for value in row)
    points = tuple(zip(flat[::2], flat[1::2], strict=True))
    return Face((x1, y1, x2, y2), points, confidence)
