"""Labelled photos: where they lie, what is known of them, how they part and where they leak."""
