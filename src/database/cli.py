"""`python -m src.database.cli`: the documented way to start the program `mlmcsc`."""

import sys

from mlmcsc.cli import main

if __name__ == "__main__":
    sys.exit(main())
