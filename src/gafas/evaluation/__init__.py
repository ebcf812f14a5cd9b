"""How good a model is, measured on the ONNX file that ships."""
