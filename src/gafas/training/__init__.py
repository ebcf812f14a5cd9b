"""Train and export models: the part of gafas that needs Keras and TensorFlow (extra `train`)."""
