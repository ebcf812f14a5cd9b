"""Train a network before your eyes, judge it on people it has never seen, and tell about it."""

import shutil
import subprocess
import sys
from pathlib import Path

from gafas.data import cmu
from gafas.errors import GafasError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the commands that a newcomer would type, and show each of them."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "out").resolve()
    out.mkdir(parents=True, exist_ok=True)
    try:
        cmu.find()
    except GafasError:
        try:
            cmu.fetch()
        except GafasError as error:
            say(f"The photos of the experiment cannot be had here. {error}")
            return 1
    run = out / "compact"
    shutil.rmtree(run, ignore_errors=True)
    gafas("train", ROOT / "recipes/compact.toml", run)
    figures = ROOT / "benchmarks/cmu.json"
    for language, name in (("en", "report.html"), ("es", "informe.html")):
        gafas("report", run, out / name, "--language", language, "--benchmark", figures)
    say(f"\nRead {out / 'report.html'} (English) or {out / 'informe.html'} (español).")
    return 0


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
