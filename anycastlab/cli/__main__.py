"""`python -m anycastlab.cli`."""

from anycastlab.cli.main import main

main()
