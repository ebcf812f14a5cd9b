"""Drawn people: solids, rooms, who they are, what is on their heads, and their portraits."""
