"""Measure whether the page's engine answers in Chromium as Python does, and how fast.

Run: python -m benchmarks.browser EYEWEAR_FOLDER   (`make benchmark-browser`)
It needs what `npm ci` fetches, takes some minutes, and writes browser.json beside itself.
"""

import argparse
import dataclasses
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright
from tools.app import RUNTIME, write_engine
from tools.hosting import find_browser, hosting, list_arguments

from benchmarks import speed_photos
from benchmarks.browser_page import MANY, STARTS, PageFigures, measure_page
from benchmarks.speed import describe
from gafas.detection.candidates import SAME, measure_overlap
from gafas.errors import ImageError
from gafas.files import looks_like_photo, write_json
from gafas.recognizer import Recognizer

LOG = logging.getLogger("browser")
OUTPUT: Final = Path(__file__).with_suffix(".json")

SETS: Final[Mapping[str, int]] = {"web": 4, "multi": 1, "life": 20}
"""Of each set every so many photos are looked at."""

PHOTOS: Final[Mapping[str, int]] = {"250 pixels": 40, "12 megapixels": 9}
"""How many photos of each kind are timed."""

NEAR: Final = 0.005
"""Probabilities that differ by no more are the same."""

_CALL: Final = """async ([address, name]) => {
    const { recognizeAsText } = await import("/engine/gafas.js");
    const blob = await (await fetch(address)).blob();
    const began = performance.now();
    try {
        const text = await recognizeAsText(blob, { name });
        return { text, milliseconds: performance.now() - began };
    } catch ({ message }) {
        return { error: message };
    }
}"""


@dataclasses.dataclass(slots=True)
class Row:
    """What was compared in the photos of a set.

    Attributes:
        photos: that were looked at.
        unreadable: that neither reads; what one reads and the other does not, is a difference.
        equal: of the photos, those whose answers are the same to the last digit.
        faces: that Python finds.
        same_faces: of these, those that the browser finds, too.
        more_faces: that only the browser finds.
        same_labels: of the same faces, those with the same label.
        near: of the same faces, those whose probabilities are all within `NEAR`.
        furthest: the greatest difference of a probability of the same face.
    """

    photos: int = 0
    unreadable: int = 0
    equal: int = 0
    faces: int = 0
    same_faces: int = 0
    more_faces: int = 0
    same_labels: int = 0
    near: int = 0
    furthest: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """The median of one kind of photo in Python, with one thread, and in the browser."""

    python_ms: float
    browser_ms: float

    @property
    def ratio(self) -> float:
        """Return how many times longer the browser takes."""
        return self.browser_ms / self.python_ms


@dataclasses.dataclass(frozen=True, slots=True)
class Parity:
    """Answers compared, set by set, and all that differ."""

    sets: Mapping[str, Row]
    differences: Sequence[Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class BrowserFigures:
    """What `benchmarks/browser.json` holds."""

    date: str
    processor: str
    browser: str
    onnxruntime_web: str
    photos: Mapping[str, Times]
    page: PageFigures
    parity: Parity


def compare(row: Row, mine: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Count what is the same in two answers to one photo, and say whether all is."""
    row.photos += 1
    row.equal += mine == other
    row.faces += len(mine["faces"])
    pairs = list(match(mine["faces"], other["faces"]))
    row.same_faces += len(pairs)
    row.more_faces += len(other["faces"]) - len(pairs)
    same = len(pairs) == len(mine["faces"]) == len(other["faces"])
    for one, two in pairs:
        values = one["probabilities"], two["probabilities"]
        off = max(abs(values[0][label] - values[1][label]) for label in values[0])
        row.same_labels += one["label"] == two["label"]
        row.near += off <= NEAR + 1e-9
        row.furthest = max(row.furthest, round(off, 3))
        same = same and one["label"] == two["label"] and off <= NEAR + 1e-9
    return same


def match(
    mine: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the pairs of faces that lie in the same place, each face once."""
    free = list(others)
    for one in mine:
        overlaps = [measure_overlap(one["box"], two["box"]) for two in free]
        if overlaps and max(overlaps) > SAME:
            yield one, free.pop(overlaps.index(max(overlaps)))


def measure_parity(folder: Path, ask: Callable[[Path], Any]) -> Parity:
    """Compare the answers to every so many photos of the sets."""
    recognizer, rows = Recognizer(), dict[str, Row]()
    differing: list[dict[str, Any]] = []
    for name, step in SETS.items():
        row = rows[name] = Row()
        for path in _list_photos(folder / name)[::step]:
            told = ask(path)
            other = json.loads(told["text"]) if "text" in told else None
            try:
                mine = {**recognizer.recognize(path).to_dict(), "photo": path.name}
            except ImageError:
                mine = None
            where = str(path.relative_to(folder))
            if mine is None or other is None:
                row.unreadable += mine is None and other is None
                readers = [who for who, one in (("Python", mine), ("browser", other)) if one]
                differing += [{"photo": where, "read by": readers}] * bool(readers)
            elif not compare(row, mine, other):
                differing.append({"photo": where, "Python": mine, "browser": other})
        LOG.info("%s: %s", name, row)
    return Parity(rows, differing)


def _list_photos(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if looks_like_photo(str(path)))


def measure_times(folder: Path, ask: Callable[[Path], Any], *, rounds: int) -> dict[str, Times]:
    """Time single photos in both, in turn, warm; Python with one thread."""
    recognizer = Recognizer(threads=1)
    makers = (speed_photos.make_small, speed_photos.make_big)
    photos = {
        kind: make(folder / kind.split()[1], count=count)
        for make, (kind, count) in zip(makers, PHOTOS.items(), strict=True)
    }
    told = {}
    for kind, paths in photos.items():
        times: dict[str, list[float]] = {"python": [], "browser": []}
        for path in (*paths[:3], *(paths * rounds)):
            data = path.read_bytes()
            began = time.perf_counter()
            recognizer.recognize(data)
            times["python"].append(1000 * (time.perf_counter() - began))
            times["browser"].append(ask(path)["milliseconds"])
        medians = {who: statistics.median(values[3:]) for who, values in times.items()}
        told[kind] = Times(round(medians["python"], 1), round(medians["browser"], 1))
        LOG.info("%s: %s, ratio %.2f", kind, told[kind], told[kind].ratio)
    return told


def measure(folder: Path, *, rounds: int, starts: int = STARTS, many: int = MANY) -> BrowserFigures:
    """Measure all, with the photos of a folder of the labelled sets."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        site = Path(name) / "engine"
        page_figures = measure_page(Path(name), driver, starts=starts, many=many)
        LOG.info("%s", page_figures)
        write_engine(site / "engine")
        (site / "index.html").write_text("<!doctype html><title>gafas</title>", "utf-8")
        (site / "sets").symlink_to(folder.resolve())
        with hosting(site) as url:
            browser = driver.chromium.launch(executable_path=find_browser(), args=list_arguments())
            page = browser.new_page()
            page.goto(url)

            def ask(path: Path) -> Any:
                """Have the page recognize a photo."""
                return _ask(page, path, roots={site: "", folder: "sets/"})

            place = describe(None)
            result = BrowserFigures(
                date=place.date,
                processor=place.processor,
                browser=f"Chromium {browser.version}",
                onnxruntime_web=json.loads((RUNTIME / "package.json").read_text())["version"],
                photos=measure_times(site, ask, rounds=rounds),
                page=page_figures,
                parity=measure_parity(folder, ask),
            )
            browser.close()
            return result


def _ask(page: Page, path: Path, *, roots: Mapping[Path, str]) -> Any:
    root = next(root for root in roots if path.is_relative_to(root))
    address = f"/{roots[root]}{path.relative_to(root).as_posix()}"
    return page.evaluate(_CALL, [address.replace("%", "%25").replace("#", "%23"), path.name])


def main() -> None:
    """Measure, and write the JSON file."""
    parser = argparse.ArgumentParser(description="Compare the page's engine with Python.")
    parser.add_argument("folder", type=Path, help="the labelled sets")
    parser.add_argument("--rounds", type=int, default=5, help="how often each photo is timed")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    result = measure(chosen.folder, rounds=chosen.rounds)
    write_json(chosen.output, result)


if __name__ == "__main__":
    main()
