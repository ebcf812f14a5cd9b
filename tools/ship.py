"""Put a run's model into the package: its file, its pin, its card, and how it was trained.

Run it as `python tools/ship.py runs/eyewear`. The recipe, log, network and environment of the run
are copied to `benchmarks/runs/`.
"""

import hashlib
import logging
import re
import sys
from pathlib import Path

from gafas.classifier import EyewearClassifier
from gafas.files import write_bytes, write_text

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "src/gafas/models"
NAME = "eyewear.onnx"
KEPT = ("recipe.toml", "history.csv", "network.json", "environment.json")
"""What of a run tells how it went; small text, without the name of any photo."""

CARD = """# Classifier of eyewear

| | |
| --- | --- |
| file | `{name}`, {size:,} bytes |
| SHA-256 | `{sha256}` |
| source | trained by `eyewear`; its log is in `benchmarks/runs/` |
| licence | MIT, as the code; on the rights of the photos it learnt from see MODEL_CARD.md |

**Input** `{given}`: uint8 `(N, {height}, {width}, 3)`, RGB: crops of faces, cut by `gafas.crops`.

**Output** `probabilities`: float32 `(N, 3)`, calibrated: {labels}. Under {threshold:.3f} the answer
is `unsure`.

What it is for, how good it is and where it fails: MODEL_CARD.md in the repository.
"""

_log = logging.getLogger(__name__)


def ship(run: Path) -> None:
    """Copy a finished run's model into the package, and pin it."""
    content = (run / "model.onnx").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    write_bytes(MODELS / NAME, content)
    _pin(sha256)
    classifier = EyewearClassifier(MODELS / NAME)
    width, height = classifier.size
    facts = {"name": NAME, "size": len(content), "sha256": sha256, "given": "image"}
    shown = {"width": width, "height": height, "threshold": classifier.metadata["threshold"]}
    card = CARD.format(**facts, **shown, labels=", ".join(classifier.labels))
    write_text(MODELS / "eyewear.md", card)
    for name in KEPT:
        text = (run / name).read_text(encoding="utf-8")
        write_text(ROOT / "benchmarks/runs" / run.name / name, text)
    _log.info("Shipped %s, %s bytes, SHA-256 %s.", NAME, f"{len(content):,}", sha256)


def _pin(sha256: str) -> None:
    path = ROOT / "src/gafas/weights.py"
    text = path.read_text(encoding="utf-8")
    line = f'    "{NAME}": "{sha256}",\n'
    held = re.compile(rf'    "{re.escape(NAME)}": "\w+",\n')
    text = held.sub(line, text) if held.search(text) else text.replace("= {\n", "= {\n" + line, 1)
    write_text(path, text)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    ship(Path(sys.argv[1]))
