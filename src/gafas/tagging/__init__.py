"""Answers written where photo programs look: XMP, beside photos or in them."""
