"""What only this repository measures: the sources of every published figure."""
