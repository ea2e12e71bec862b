"""`python -m stillmotion` is the `stillmotion` command."""

from stillmotion.cli.main import script

script()
