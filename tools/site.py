"""Give the website the pages and files that stand outside docs/, and turn links to them.

MkDocs calls these functions; mkdocs.yml names this file.
"""

import posixpath
import re
from pathlib import Path
from typing import Any, Final

import griffe
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[1]

OUTSIDE: Final = {
    "README.md": "index.md",
    "README.es.md": "index.es.md",
    "MODEL_CARD.md": "MODEL_CARD.md",
    "src/gafas/models/LICENSE.md": "weights-licence.md",
    "src/gafas/models/retinaface.md": "face-detector.md",
    "ATTRIBUTIONS.md": "ATTRIBUTIONS.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "LICENSE": "LICENSE.txt",
}
"""What stands outside docs/, and where the website has it."""

_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


class Doctests(griffe.Extension):
    """Show the examples of docstrings, which doctest runs, as code."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence them in."""
        if obj.docstring is not None:
            fenced = re.sub(
                r"^>>> .+?(?=\n\n|\Z)",
                r"```pycon\n\g<0>\n```",
                obj.docstring.value,
                flags=re.M | re.S,
            )
            obj.docstring.value = fenced


def on_files(files: Files, config: Any) -> Files:
    """Add what stands outside docs/."""
    for source, target in _list_outside().items():
        files.append(File.generated(config, target, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Turn links that hold in the repository into links that hold on the website."""
    here = {target: source for source, target in OUTSIDE.items()}
    source = here.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def turn(found: re.Match[str]) -> str:
        picture, words, link, anchor = found.groups()
        if "://" in link or link.startswith("mailto:"):
            return found[0]
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
        target = _list_outside().get(meant, meant.removeprefix("docs/"))
        if files.get_file_from_path(target) is None:
            return words  # a folder, or what only a clone of the repository has
        near = posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".")
        return f"{picture}[{words}]({near}{anchor or ''})"

    return _LINK.sub(turn, markdown)


def _list_outside() -> dict[str, str]:
    notebooks = {f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    return OUTSIDE | {name: name for name in notebooks}
