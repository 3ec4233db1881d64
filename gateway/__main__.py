"""`python -m gateway` is `postern`."""

from gateway.cli import main

main()
