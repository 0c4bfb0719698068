"""`python -m theatre` is the `theatre` command."""

from theatre.cli import main

main()
