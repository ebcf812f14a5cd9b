"""`python -m gafas.cli` is the command `gafas`."""

from gafas.cli import main

main()
