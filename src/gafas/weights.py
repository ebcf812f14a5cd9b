"""Model files: bundled with the package, pinned by SHA-256, read once."""

import difflib
import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gafas.errors import ModelError

_SUFFIX = "ExecutionProvider"
_BUILDS = "onnxruntime-gpu brings cuda, onnxruntime-openvino openvino, onnxruntime-directml dml"


def open_session(
    content: bytes, *, origin: str, threads: int, providers: Sequence[str] | None = None
) -> Any:
    """Open a model in onnxruntime.

    Args:
        content: the bytes of an ONNX file.
        origin: what errors call the model.
        threads: how many threads one run may use; 0 lets onnxruntime decide.
        providers: what runs it, the first choice first, as `find_provider` takes them; the
            processor if left out, which also does what none of the others can.

    Raises:
        ModelError: the bytes are no ONNX model, or a provider is not to be had.
    """
    # Imported here: `import gafas` stays light, and --help needs no inference.
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as failures

    chosen = [find_provider(name) for name in providers or ("cpu",)]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads sleep: spinning, they starve each other on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Photos and batches differ in shape: patterns of memory would be planned in vain.
    options.enable_mem_pattern = False
    options.log_severity_level = 3  # errors only: warnings would land on the user's stderr
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=chosen, enable_fallback=0
        )
    except (failures.EPFail, failures.EngineError, RuntimeError) as error:
        raise _stopped(chosen, reason=str(error)) from error
    except (
        failures.Fail,
        failures.InvalidArgument,
        failures.InvalidGraph,
        failures.InvalidProtobuf,
        failures.NoModel,
        failures.NotImplemented,
        failures.RuntimeException,
        ValueError,  # an empty file
    ) as error:
        raise ModelError(
            f"Cannot open the model: it is not an ONNX file that onnxruntime understands. Received:"
            f" {origin} (starts with {content[:16]!r}). Give a .onnx file that gafas made."
        ) from error
    # What would silently run elsewhere: a build may be there, and its driver not.
    missing = [name for name in chosen if name not in session.get_providers()]
    if missing:
        raise _stopped(missing, reason="its driver or a library of it is missing")
    return session


def find_provider(name: str) -> str:
    """Return onnxruntime's name for a device, as `CUDAExecutionProvider`.

    Args:
        name: that name, or its short form: `cpu`, `cuda`, `coreml`, `dml`, `openvino` and so on.

    Raises:
        ModelError: the installed onnxruntime cannot run models there.

    >>> find_provider("cpu")
    'CPUExecutionProvider'
    """
    import onnxruntime

    # Azure's is in every build, but sends work elsewhere and runs no model by itself.
    found = {_shorten(full): full for full in onnxruntime.get_available_providers()}
    found.pop("azure", None)
    provider = found.get(_shorten(name))
    if provider is None:
        raise ModelError(
            "The installed onnxruntime cannot run models on this device: expected "
            f"{' or '.join(sorted(found))}. Received: {name!r}. Choose another, or install the "
            f"build of onnxruntime for it ({_BUILDS})."
        )
    return str(provider)


def _shorten(name: str) -> str:
    return name.removesuffix(_SUFFIX).casefold()


def _stopped(providers: Sequence[str], *, reason: str) -> ModelError:
    return ModelError(
        f"The device did not start: {reason}. Received: {', '.join(map(_shorten, providers))}. "
        "Check its driver and libraries, or choose another device, as cpu."
    )


FOLDER: Final = Path(__file__).parent / "models"
"""Where the bundled model files, their cards and their licences lie."""

PINNED: Final = {
    "eyewear.onnx": "118bbac91d66339b8bde37c3f72127dd696a22cd703a00f2c2e67d7f2bda8184",
    "retinaface.onnx": "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5",
    "eyewear-free.onnx": "da6310d76e76a65fc098737d5a06c759da1b761be0025a7af6b85ea1bb26c2f9",
}
"""The SHA-256 of every bundled model file."""

NAMED: Final = {
    "free": "eyewear-free.onnx",
    "research": "eyewear.onnx",
}
"""The words by which a bundled model of eyewear may be asked for."""


@functools.cache
def read_bundled(name: str) -> bytes:
    """Read a bundled model file, once per process, and check that nobody altered it.

    Raises:
        ModelError: there is no such model, the file is missing, or its hash is another.
    """
    if name not in PINNED:
        raise ModelError(
            f"Unknown bundled model: expected one of {', '.join(sorted(PINNED))}. "
            f"Received: {name!r}. Correct the name."
        )
    path = FOLDER / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"Cannot read the model file: {error.strerror or error}. Received: '{path}'. "
            "Install gafas again."
        ) from error
    got = hashlib.sha256(data).hexdigest()
    if got != PINNED[name]:
        raise ModelError(
            f"The model file is not the one that was released: expected SHA-256 {PINNED[name]}. "
            f"Received: '{path}' with {got}. It was cut short, altered or replaced. "
            "Install gafas again."
        )
    return data


def read_model(model: Path | str) -> bytes:
    """Read a model file, or a bundled model of eyewear by its plain name.

    A word without ending or folder that is no file names a bundled model, as in `NAMED`.

    Raises:
        ModelError: there is no such file or name, or the file cannot be read.
    """
    path = Path(model)
    if os.fspath(model) == path.stem and path.stem and not path.is_file():
        return read_bundled(_find_bundled(path.stem))
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"Cannot read the model: {error.strerror}. Received: {str(path)!r}. "
            "Give the path of a .onnx file that gafas made."
        ) from error


def _find_bundled(word: str) -> str:
    if word in NAMED:
        return NAMED[word]
    near = difflib.get_close_matches(word, NAMED, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Correct the name."
    raise ModelError(
        f"There is no such model: expected a .onnx file or one of {', '.join(sorted(NAMED))}. "
        f"Received: {word!r}. {hint}"
    )
