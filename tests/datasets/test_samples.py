from pathlib import Path

from gafas.datasets.samples import EYEWEAR_LABELS, NOT_A_FACE, OTHER, TINTED, Sample, list_scored


def test_what_no_model_answers_is_not_scored_unless_a_model_answers_it() -> None:
    labels = (*EYEWEAR_LABELS, TINTED, OTHER, NOT_A_FACE)
    samples = [Sample(Path(label), label, label, label) for label in labels]
    assert [s.label for s in list_scored(samples, EYEWEAR_LABELS)] == [*EYEWEAR_LABELS, TINTED]
    assert [s.label for s in list_scored(samples, (NOT_A_FACE,))][-1] == NOT_A_FACE
