"""Runs the console script as `python -m stgkeras`."""

import sys

from stgkeras.cli import main

sys.exit(main())
