"""The painted pictures of the selfcheck, with the answers of a model whose answers are simple."""

import importlib
import types
from pathlib import Path

import pytest

from face_photos import face_model
from gafas.recognizer import Recognizer
from gafas.selfcheck import ANSWERS, describe_answers

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def load_tool(name: str, *, folder: Path = TOOLS) -> types.ModuleType:
    """Import a tool by its name, with the tools that it imports itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        return importlib.import_module(name)


def write_selfcheck(folder: Path) -> Recognizer:
    """Fill a folder with the pictures, and with the answers of the recognizer that is returned."""
    tool = load_tool("selfcheck_pictures")
    folder.mkdir()
    model = folder.parent / "model.onnx"
    model.write_bytes(face_model())
    recognizer = Recognizer(model)
    tool.write_pictures(folder)
    answers = describe_answers(recognizer, folder, names=[*tool.DRAWN])
    (folder / ANSWERS).write_text(answers, encoding="utf-8")
    return recognizer
