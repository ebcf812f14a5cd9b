"""Recognize eyewear in photos that ordinary packages bring along; then train before your eyes.

The experiment trains a network, judges it on people it has never seen, and tells about it: on the
CMU photos, or on drawn people where those cannot be had.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from gafas.datasets import cmu
from gafas.errors import GafasError
from tools.photos import write_photos

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the commands that a newcomer would type, and show each of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", default="out", type=Path)
    parser.add_argument("--model", type=Path, help="instead of the bundled one")
    words = parser.parse_args()
    out = words.out.resolve()
    show_recognition(out, model=[] if words.model is None else ["--model", words.model.resolve()])
    show_experiment(out)
    command = Path(sys.executable).with_name("gafas")
    say(f"""
Look at  {out / "annotated"}: what everybody in a few photos wears
Read     {out / "report.html"} (English) or {out / "informe.html"} (español)
Drop your own photos on a page:  {command} serve   then open http://127.0.0.1:8000""")
    return 0


def show_recognition(out: Path, *, model: list[object]) -> None:
    """Say what everybody in a few photos wears, and draw it on copies."""
    photos, answers = out / "photos", out / "annotated"
    for folder in (photos, answers):
        shutil.rmtree(folder, ignore_errors=True)
    write_photos(photos)
    gafas("predict", photos, *model)
    gafas("annotate", photos, answers, *model)


def show_experiment(out: Path) -> None:
    """Train, judge and report; on drawn people, where the CMU photos cannot be had."""
    try:
        cmu.find()
    except GafasError:
        try:
            cmu.fetch()
        except GafasError as error:
            say(f"\nThe CMU photos of the experiment cannot be had here: {error}")
    run = out / "compact"
    shutil.rmtree(run, ignore_errors=True)
    gafas("train", "compact", run)
    kind = json.loads((run / "data.json").read_text(encoding="utf-8"))["kind"]
    # What was measured on photographs is no match for drawn people.
    compared = ["--benchmark", ROOT / "benchmarks/cmu.json"] if kind == "cmu" else []
    for language, name in (("en", "report.html"), ("es", "informe.html")):
        page = out / name
        page.unlink(missing_ok=True)
        gafas("report", run, "--out", page, "--language", language, *compared)


def gafas(*words: object) -> None:
    """Show a command, and run it."""
    arguments = [str(word) for word in words]
    say("\n$ gafas " + " ".join(arguments))
    subprocess.run([sys.executable, "-m", "gafas.cli", *arguments], check=True)


def say(sentence: str) -> None:
    """Print at once, so that it stands before what a command prints."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
