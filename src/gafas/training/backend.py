"""Keras and TensorFlow, imported once and without their talk: `keras` and `tf`."""

import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

# What must be set before TensorFlow is imported: gafas trains on TensorFlow, whose oneDNN kernels
# make convolutions up to three times as fast on CPUs where they are not the default.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep native code off stderr: TensorFlow's greetings heed no setting, and help nobody here.

    What was written comes out after all if the code inside fails.
    """
    try:
        kept = os.dup(2) if sys.stderr else -1
    except OSError:
        kept = -1
    if kept < 0:  # it is closed: nothing can be seen there
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            aside.seek(0)
            with os.fdopen(os.dup(2), "wb") as stderr:
                shutil.copyfileobj(aside, stderr)
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


with silence():
    import keras
    import tensorflow as tf

# Advice about retracing and about H5 files is for who programs TensorFlow. An export sets absl's
# level back; a filter stays.
for _talker in ("tensorflow", "absl"):
    logging.getLogger(_talker).setLevel(logging.ERROR)
    logging.getLogger(_talker).addFilter(lambda record: record.levelno >= logging.ERROR)

__all__ = ["keras", "silence", "tf"]
