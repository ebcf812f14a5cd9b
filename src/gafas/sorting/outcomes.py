"""From the answers about a photo to the one folder that it goes into."""

from gafas.recognizer import Recognition
from gafas.sorting.order import MIXED, NO_FACE, UNREADABLE, Order, Rule
from gafas.types import UNSURE


def choose_folder(found: Recognition, order: Order) -> str:
    """Return the name of the folder that a photo goes into.

    By `label`: faces that agree give their label, labels that differ give `mixed`, and where labels
    agree as far as there are any, one unsure face makes the photo `unsure`. By `any`: the last of
    the model's labels that any face wears, so sunglasses before eyeglasses; before the first label,
    that of a bare face, comes an unsure face.
    """
    if found.error is not None:
        return UNREADABLE
    answers = {str(face.label) for face in found.faces}
    if not answers:
        return NO_FACE
    if order.by is Rule.any:
        return _strongest(answers, order.labels)
    sure = answers - {UNSURE}
    if len(sure) > 1:
        return MIXED
    return UNSURE if UNSURE in answers else sure.pop()


def _strongest(answers: set[str], labels: tuple[str, ...]) -> str:
    ranks = (labels[0], UNSURE, *labels[1:])
    return max(answers, key=ranks.index)
