"""Write down what the model that ships says of the demo's photos; the tests then hold it to that.

Run it by `make golden`, when the weights change, and look at what changed.
"""

import dataclasses
import json
import logging
import sys
import tempfile
from pathlib import Path

from gafas.errors import GafasError
from gafas.files import write_text
from gafas.recognizer import Recognizer
from tools.photos import write_photos

GOLDEN = Path(__file__).resolve().parents[1] / "tests/golden"

_log = logging.getLogger(__name__)


def main() -> int:
    """Write one JSON file for each photo."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        write_answers(GOLDEN, Recognizer())
    except GafasError as error:
        _log.error("%s", error)
        return 1
    return 0


def write_answers(folder: Path, recognizer: Recognizer) -> None:
    """Recognize the demo's photos, and write each answer as the command line gives it."""
    with tempfile.TemporaryDirectory() as photos:
        for path in write_photos(Path(photos)):
            found = dataclasses.replace(recognizer.recognize(path), photo=path.name)
            text = json.dumps(found.to_dict(), indent=1) + "\n"
            write_text(folder / f"{path.stem}.json", text)
            _log.info("%s: %s", path.name, ", ".join(face.label for face in found.faces) or "-")


if __name__ == "__main__":
    sys.exit(main())
