"""Find the faces in an image."""
