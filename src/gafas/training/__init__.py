"""Train and export models: the part of gafas that needs Keras and TensorFlow (extra `train`)."""

import os

# These must be set before TensorFlow is imported: gafas trains on TensorFlow, whose oneDNN kernels
# make convolutions up to three times as fast on CPUs where they are not the default.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
