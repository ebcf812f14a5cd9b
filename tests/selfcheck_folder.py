"""The painted pictures of the selfcheck, with the answers of a model whose answers are simple."""

from pathlib import Path

from tools.selfcheck_pictures import DRAWN, write_pictures

from face_photos import face_model
from gafas.recognizer import Recognizer
from gafas.selfcheck import ANSWERS, describe_answers

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def write_selfcheck(folder: Path) -> Recognizer:
    """Fill a folder with the pictures, and with the answers of the recognizer that is returned."""
    folder.mkdir()
    model = folder.parent / "model.onnx"
    model.write_bytes(face_model())
    recognizer = Recognizer(model)
    write_pictures(folder)
    answers = describe_answers(recognizer, folder, names=[*DRAWN])
    (folder / ANSWERS).write_text(answers, encoding="utf-8")
    return recognizer
