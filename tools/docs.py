"""Write what is generated of the documentation: the command line, the tables and the charts.

Run it by `make docs`; the tests say when it is due.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.ablations import Judged
from benchmarks.adapt import Figures as AdaptFigures
from benchmarks.audit import Figures as AuditFigures
from benchmarks.batch import BatchMeasured
from benchmarks.browser import BrowserFigures
from benchmarks.card import make_card, render_card
from benchmarks.check import Figures
from benchmarks.own_photos import OwnPhotos
from benchmarks.readme_figure import write_readme_figure
from benchmarks.service import ServiceSpeed
from benchmarks.speed import Speed

from gafas.errors import DataError
from gafas.files import read_json, write_text
from gafas.labels import Language
from tools.ablations_table import make_ablations_table
from tools.adapt_table import make_adapt_table
from tools.audit_table import make_audit_table
from tools.batch_table import make_batch_table
from tools.browser_table import make_browser_table
from tools.check_table import make_check_table
from tools.cli_page import describe_cli
from tools.cmu_table import make_cmu_table
from tools.eyewear_table import make_eyewear_table, make_figures
from tools.own_photos_table import make_own_photos_table
from tools.recipe_page import describe_recipe
from tools.service_table import make_service_table
from tools.speed_table import make_speed_sentence, make_speed_table

ROOT = Path(__file__).resolve().parents[1]

READMES: dict[Language, str] = {"en": "README.md", "es": "README.es.md"}
"""Each language's README."""

STORIES: dict[Language, str] = {"en": "docs/en/experiment.md", "es": "docs/es/experimento.md"}
"""Each language's page about the experiment."""

FIGURES: dict[Language, str] = {"en": "docs/figures/cmu.svg", "es": "docs/figures/cmu.es.svg"}
"""The chart of each of these pages."""

CARD = "MODEL_CARD.md"
"""What is said of the model of eyewear."""

CARD_SOURCES = ("eyewear.json", "lfw_openings.json")
"""The results, and the openings of the test set, that it is made from."""

PACKAGED = (
    "src/gafas/models/eyewear.card.md",
    "src/gafas/models/eyewear.figures.json",
    "src/gafas/web/model-card.html",
)
"""What the package tells of its model: the card, without links to files that the package does not
hold, the figures, and the card as the web page shows it."""

SPEED = "docs/how-to/speed.md"

TRAIN_FACES = "docs/how-to/train-faces.md"
"""The page about the recipe that ships, which says what its levers are worth."""

OWN_PHOTOS = "docs/how-to/own-photos.md"
"""The page of own photos, which says what they reach."""

BATCH = "docs/how-to/batch.md"
"""The page about very many photos, which says what they take."""

BROWSER = "docs/how-to/browser.md"
"""The page about the browser alone."""

SERVICE: dict[Language, str] = {"en": "docs/how-to/serve.md", "es": "docs/es/servicio.md"}
"""Each language's page about the service."""

ADAPT: dict[Language, str] = {"en": "docs/how-to/adapt.md", "es": "docs/es/adaptar.md"}
"""Each language's page about own labels."""

AUDIT: dict[Language, str] = {"en": "docs/how-to/audit.md", "es": "docs/es/auditar.md"}
"""Each language's page about wrong labels."""

CHECK: dict[Language, str] = {"en": "docs/how-to/check.md", "es": "docs/es/comprobar.md"}
"""Each language's page about verdicts on photos."""

_log = logging.getLogger(__name__)


def main() -> None:
    """Write every page that holds something generated, and the charts."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pages = compose()
    for name, text in pages.items():
        write_text(ROOT / name, text)
    for language, name in FIGURES.items():
        write_readme_figure(ROOT / "benchmarks/cmu.json", ROOT / name, language=language)
    _log.info("Wrote %s.", ", ".join([*pages, *FIGURES.values()]))


def compose(benchmarks: Path = ROOT / "benchmarks") -> dict[str, str]:
    """Return every page that holds something generated, by its path, as it ought to be.

    Raises:
        DataError: results are missing, or a page lacks the marks of a generated part.
    """
    speed = read_json(benchmarks / "speed.json", Speed)
    card = make_card(*(benchmarks / name for name in CARD_SOURCES))
    packaged = re.sub(r"\[(.+?)\]\(\S+?\)", r"\1", card)
    pages = {
        CARD: card,
        PACKAGED[0]: packaged,
        PACKAGED[1]: make_figures(benchmarks / CARD_SOURCES[0]),
        PACKAGED[2]: render_card(packaged),
        "docs/cli.md": describe_cli(),
        "docs/recipe.md": describe_recipe(),
    }
    pages[SPEED] = _fill_page(SPEED, {"speed": make_speed_table(speed)})
    ablations = make_ablations_table(read_json(benchmarks / "ablations.json", dict[str, Judged]))
    pages[TRAIN_FACES] = _fill_page(TRAIN_FACES, {"ablations": ablations})
    own = make_own_photos_table(read_json(benchmarks / "own_photos.json", OwnPhotos))
    pages[OWN_PHOTOS] = _fill_page(OWN_PHOTOS, {"own photos": own})
    batch = make_batch_table(read_json(benchmarks / "batch.json", BatchMeasured))
    pages[BATCH] = _fill_page(BATCH, {"batch": batch})
    browser = make_browser_table(read_json(benchmarks / "browser.json", BrowserFigures))
    pages[BROWSER] = _fill_page(BROWSER, {"browser": browser})
    service = read_json(benchmarks / "service.json", ServiceSpeed)
    for language, name in SERVICE.items():
        pages[name] = _fill_page(name, {"service": make_service_table(service, language)})
    checked = read_json(benchmarks / "check.json", Figures)
    for language, name in CHECK.items():
        pages[name] = _fill_page(name, {"check": make_check_table(checked, language)})
    adapted = read_json(benchmarks / "adapt.json", AdaptFigures)
    for language, name in ADAPT.items():
        pages[name] = _fill_page(name, {"adapt": make_adapt_table(adapted, language)})
    audited = read_json(benchmarks / "audit.json", AuditFigures)
    for language, name in AUDIT.items():
        pages[name] = _fill_page(name, {"audit": make_audit_table(audited, language)})
    for language, name in READMES.items():
        figures = make_eyewear_table(benchmarks / "eyewear.json", language)
        sentence = make_speed_sentence(speed, language)
        pages[name] = _fill_page(name, {"figures": figures, "speed": sentence})
        story = make_cmu_table(benchmarks / "cmu.json", language)
        pages[STORIES[language]] = _fill_page(STORIES[language], {"results": story})
    return pages


def _fill_page(name: str, contents: Mapping[str, str]) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    for part, content in contents.items():
        text = fill(text, content, part=part)
    return text


def fill(text: str, content: str, *, part: str) -> str:
    """Put content between the marks of a part of a page, in place of what stood there.

    Raises:
        DataError: the marks are not there.
    """
    first, last = f"<!-- {part}: written by make docs -->", f"<!-- /{part} -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise DataError(f"A page lacks the marks {first} and {last}. Put them back.")
    return f"{before}{begin}\n{content}\n{end}{after}"


if __name__ == "__main__":
    main()
