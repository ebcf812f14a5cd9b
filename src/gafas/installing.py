"""How this gafas was installed, so that advice to install more works where it is given."""

import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def advise_install(extra: str) -> str:
    """Return the command that installs an extra of gafas.

    From a clone, or a wheel that was downloaded, it names that place, for the package index may
    hold no gafas; where nothing is known of the place it names the index. It can be given in any
    folder.
    """
    place, editable = _find_source()
    if place is None:
        return f"pip install {_quote(f'gafas[{extra}]')}"
    return f"pip install {'-e ' * editable}{_quote(f'{place}[{extra}]')}"


def _find_source() -> tuple[Path | None, bool]:
    """Return the folder or file that gafas was installed from, and whether it runs from there."""
    source = Path(__file__).resolve().parents[1]
    if source.name == "src" and (source.parent / "pyproject.toml").is_file():
        return source.parent, True
    import importlib.metadata  # reading it takes as long as all other imports of a command
    import json

    try:
        noted = importlib.metadata.distribution("gafas").read_text("direct_url.json")
        url = urlsplit(json.loads(noted or "{}").get("url", ""))
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return None, False
    place = Path(url2pathname(url.path))
    known = url.scheme == "file" and place.exists()
    return (place if known else None), False


def _quote(word: str) -> str:
    """Quote a word for the shell at hand: cmd.exe knows no single quotation marks.

    >>> _quote("gafas[train]").strip('"' + "'")
    'gafas[train]'
    """
    return f'"{word}"' if sys.platform == "win32" else shlex.quote(word)
