"""`python -m anycastlab`."""

from anycastlab.cli.main import main

main()
