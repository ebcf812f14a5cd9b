"""Own labels from a few dozen photos: a new last layer on the features of a model that ships."""

import dataclasses
import json
import logging
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gafas.classifier import METADATA_KEY, METADATA_SCHEMA, EyewearClassifier
from gafas.datasets.samples import EYEWEAR_LABELS, Sample
from gafas.errors import DataError, ModelError
from gafas.files import write_bytes
from gafas.training.features import Features, count_labels, group, read_features, see
from gafas.training.heads import Examples, Head, Part, fit_head, fit_parts, predict_outside
from gafas.weights import read_model

LEAST: Final = 6
"""A label needs so many photos with a face."""

SHARES: Final = (0.25, 0.5, 1.0)
"""Of the photos that could be learnt from, so many are, for what more photos would bring."""

DOUBT: Final = 1e-4
"""What the model that is adapted deems less probable counts as if it were so probable."""

_PARITY = 1e-5

_log = logging.getLogger(__name__)

Numbers = npt.NDArray[np.intp]
Floats = npt.NDArray[np.floating]


@dataclasses.dataclass(frozen=True, slots=True)
class Adapted:
    """What was learnt, and how good it is on photos that it has not learnt from.

    Attributes:
        labels: in the order in which the new model answers.
        samples: whose faces were learnt from, N.
        missed: the samples in whose photos no face was found.
        by_subject: whether the parts of the cross-validation share no person; else no photo, nor
            one that hardly differs.
        truth: `(N,)`, the number of each sample's label.
        outside: `(N, K)`, probabilities, each by a layer that has not learnt from the sample's
            group.
        shipped: `(N, K)`, those of the model that was adapted, where its labels are these; else
            None.
        curve: of so many photos learnt from, in the mean, the share of right answers.
        head: the new last layer, learnt from all.
    """

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    missed: tuple[Sample, ...]
    by_subject: bool
    truth: Numbers
    outside: Floats
    shipped: Floats | None
    curve: tuple[tuple[int, float], ...]
    head: Head

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Return which of the samples are answered rightly, `(N,)`."""
        return np.asarray(self.outside.argmax(axis=1) == self.truth)

    @property
    def right_shipped(self) -> npt.NDArray[np.bool_] | None:
        """Return which of them the model that was adapted answers rightly, if it knows the labels.

        What it says beside these labels does not count.
        """
        return None if self.shipped is None else self.shipped.argmax(axis=1) == self.truth


def adapt(samples: Sequence[Sample], *, model: Path | str = "research") -> Adapted:
    """Learn the labels of photos, from the features that a model gives of their faces.

    A multinomial logistic regression on the features is fitted, with changed crops as further
    samples; it needs neither TensorFlow nor more than seconds. Its strength, temperature and
    threshold are chosen by cross-validation, and its figures come from another one around this.

    Args:
        samples: two labels or more, `LEAST` photos of each.
        model: the file, or the name of a bundled model, whose last layer is replaced.

    Raises:
        DataError: there are too few labels or photos.
        ImageError: a photo cannot be read.
        ModelError: the model cannot be opened, does not look at faces, or gives no features.
    """
    features = read_features(samples, EyewearClassifier(read_model(model)))
    return learn(features, group(features.samples))


def learn(features: Features, groups: Numbers) -> Adapted:
    """Learn labels from features, as `adapt` does from photos.

    Args:
        features: of N faces.
        groups: `(N,)`, which of them belong together, see `group`.

    Raises:
        DataError: there are too few labels or photos.
    """
    labels, examples = make_examples(features, groups)
    parts = fit_parts(examples)
    known = examples.known
    return Adapted(
        labels=labels,
        samples=features.samples,
        missed=features.missed,
        by_subject=all(sample.subject is not None for sample in features.samples),
        truth=examples.truth,
        outside=predict_outside(examples, parts),
        shipped=None if known is None else np.exp(known[:, 0]),
        curve=_measure_curve(examples, parts),
        head=fit_head(examples),
    )


def make_examples(features: Features, groups: Numbers) -> tuple[tuple[str, ...], Examples]:
    """Return the labels, in the order in which they are numbered, and what is learnt from.

    Raises:
        DataError: there are too few labels or photos.
    """
    labels = _order(features)
    truth = np.array([labels.index(sample.label) for sample in features.samples], np.intp)
    _check_groups(truth, groups, labels)
    known = _read_known(features.probabilities, features.labels, labels)
    return labels, Examples(features.values, truth, groups, known)


def write_adapted(adapted: Adapted, target: Path, *, model: Path | str = "research") -> None:
    """Write a model file that answers with own labels; all but its last layer is the old model's.

    Raises:
        ModelError: the new file does not answer as the layer does: it is not written then.
    """
    write_bytes(target, build_adapted(adapted, read_model(model)))


def build_adapted(adapted: Adapted, content: bytes) -> bytes:
    """Return the bytes of the model file that `write_adapted` writes, from those of the old one.

    Raises:
        ModelError: the new file does not answer as the layer does.
    """
    import onnx

    old = EyewearClassifier(content)
    graph = onnx.load_from_string(content)
    known = adapted.shipped is not None
    columns = [old.labels.index(label) for label in adapted.labels] if known else []
    _replace_layer(graph, adapted.head, columns)
    facts = _describe(adapted, old)
    del graph.metadata_props[:]
    onnx.helper.set_model_props(graph, {METADATA_KEY: json.dumps(facts, sort_keys=True)})
    new = graph.SerializeToString()
    _check_parity(new, adapted.head, old)
    return bytes(new)


def _order(features: Features) -> tuple[str, ...]:
    """Return the labels of samples that suffice: the three of gafas in their order, others by name.

    Raises:
        DataError: they do not suffice.
    """
    counts = count_labels(features.samples)
    few = [label for label, count in counts.items() if count < LEAST]
    if len(counts) < 2 or few:
        told = ", ".join(f"{count} {label}" for label, count in counts.items()) or "none"
        missed = f"; in {len(features.missed)} photos no face was found" * bool(features.missed)
        raise DataError(
            f"Own labels need two labels or more, and {LEAST} photos with a face of each. "
            f"Received: {told}{missed}. Add photos."
        )
    order = EYEWEAR_LABELS if set(counts) <= set(EYEWEAR_LABELS) else sorted(counts)
    return tuple(label for label in order if label in counts)


def _check_groups(truth: Numbers, groups: Numbers, labels: Sequence[str]) -> None:
    for number, label in enumerate(labels):
        if (count := len(np.unique(groups[truth == number]))) < 3:
            raise DataError(
                f"The photos of {label!r} show too few people or moments to be measured on others "
                f"than those learnt from: expected 3 or more. Received: {count}. Add other photos."
            )


def _read_known(probabilities: Floats, said: Sequence[str], labels: Sequence[str]) -> Floats | None:
    """Return what a model that says these labels knows of others, as `Examples.known` does."""
    if not set(labels) <= set(said):
        return None
    columns = [said.index(label) for label in labels]
    return np.log(np.maximum(probabilities[..., columns], DOUBT))


def _measure_curve(examples: Examples, parts: Sequence[Part]) -> tuple[tuple[int, float], ...]:
    """Return how many photos were learnt from and the share of right answers, fewest first."""
    generator, points = np.random.default_rng(0), []
    truth = examples.truth
    for share in SHARES:
        counts, right = [], 0
        for part in parts:
            known = truth[part.others]
            drawn = np.concatenate(
                [
                    generator.permutation(own)[: max(3, round(share * len(own)))]
                    for own in (part.others[known == label] for label in np.unique(known))
                ]
            )
            head = fit_head(examples.take(drawn), strength=part.head.strength)
            answers = head.predict(examples.take(part.asked)).argmax(axis=1)
            counts.append(len(drawn))
            right += int((answers == truth[part.asked]).sum())
        points.append((round(float(np.mean(counts))), right / len(truth)))
    return tuple(points)


def _replace_layer(graph: Any, head: Head, columns: Sequence[int]) -> None:
    """Let the output `probabilities` come from the features, and from what it was where trusted."""
    import onnx
    from onnx import helper, numpy_helper

    inner = graph.graph
    (old,) = [port for port in inner.output if port.name not in ("features", "not_a_face")]
    prefix = f"adapted{len(inner.node)}/"  # a file may be adapted again
    nodes = [_rename(node, old.name, f"{prefix}before") for node in inner.node]
    tensors = {"weights": head.weights, "bias": head.bias}
    nodes += [
        helper.make_node("MatMul", ["features", f"{prefix}weights"], [f"{prefix}sums"]),
        helper.make_node("Add", [f"{prefix}sums", f"{prefix}bias"], [f"{prefix}logits"]),
    ]
    logits = "logits"
    if columns:
        tensors |= {
            "columns": np.array(columns, np.int64),
            "least": np.array(DOUBT, np.float32),
            "trust": np.array(head.trust, np.float32),
        }
        for kind, ins, out in (
            ("Gather", ("before", "columns"), "chosen"),
            ("Max", ("chosen", "least"), "bounded"),
            ("Log", ("bounded",), "known"),
            ("Mul", ("known", "trust"), "trusted"),
            ("Add", ("logits", "trusted"), "together"),
        ):
            more = {"axis": 1} if kind == "Gather" else {}
            named = [f"{prefix}{name}" for name in ins]
            nodes.append(helper.make_node(kind, named, [f"{prefix}{out}"], **more))
        logits = "together"
    nodes.append(helper.make_node("Softmax", [f"{prefix}{logits}"], ["probabilities"], axis=1))
    for name, values in tensors.items():
        inner.initializer.append(numpy_helper.from_array(values, f"{prefix}{name}"))
    new = helper.make_tensor_value_info(
        "probabilities", onnx.TensorProto.FLOAT, ["N", len(head.bias)]
    )
    _keep_needed(inner, nodes, [new, *(port for port in inner.output if port is not old)])


def _rename(node: Any, old: str, new: str) -> Any:
    """Return a node whose tensor of the one name has the other."""
    renamed = _copy(node)
    for names in (renamed.input, renamed.output):
        names[:] = [new if name == old else name for name in names]
    return renamed


def _keep_needed(inner: Any, nodes: Sequence[Any], ports: Sequence[Any]) -> None:
    """Put nodes and outputs in a graph's place, without what no output comes from."""
    needed, kept = {port.name for port in ports}, list[Any]()
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.insert(0, node)
            needed |= set(node.input)
    weights = [tensor for tensor in inner.initializer if tensor.name in needed]
    for field, entries in (("node", kept), ("initializer", weights), ("output", ports)):
        copies = [_copy(entry) for entry in entries]
        inner.ClearField(field)
        getattr(inner, field).extend(copies)


def _copy(entry: Any) -> Any:
    """Return a part of a graph that outlives the field in which it stood."""
    copied = type(entry)()
    copied.CopyFrom(entry)
    return copied


def _describe(adapted: Adapted, old: EyewearClassifier) -> dict[str, Any]:
    """Return what the new file says of itself: what holds of the old one still, and what is new."""
    kept = ("view", "width", "height", "colour", "crop", "face_check", "licence")
    facts = {key: old.metadata[key] for key in kept if key in old.metadata}
    right = adapted.right
    return facts | {
        "schema": METADATA_SCHEMA,
        "labels": list(adapted.labels),
        "threshold": adapted.head.threshold,
        "created_by": f"gafas {version('gafas')}",
        "adapted_from": old.sha256,
        "data": {
            "kind": "own",
            "photos": len(adapted.samples),
            "labels": count_labels(adapted.samples),
        },
        "evaluation": {
            "by": "subject" if adapted.by_subject else "photo",
            "correct": int(right.sum()),
            "total": len(right),
        },
    }


def _check_parity(content: bytes, head: Head, old: EyewearClassifier) -> None:
    """Refuse a file whose answers are not those of the layer on what the old model sees."""
    new = EyewearClassifier(content)
    width, height = new.size
    crops = np.random.default_rng(0).integers(0, 256, (8, height, width, 3), np.uint8)
    features, probabilities = (found[:, np.newaxis] for found in see(crops, old))
    known = _read_known(probabilities, old.labels, new.labels)
    asked = np.zeros(len(crops), np.intp)
    wanted = head.predict(Examples(features, asked, asked, known))
    apart = float(np.abs(new.predict(crops) - wanted).max())
    if not apart <= _PARITY:
        raise ModelError(
            f"The new model file answers otherwise than what was learnt: expected at most {_PARITY}"
            f" apart. Received: {apart:.2g}. This is a fault of gafas: please report it."
        )
