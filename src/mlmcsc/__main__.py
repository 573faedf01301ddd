"""`python -m mlmcsc`."""

import sys

from mlmcsc.cli import main

if __name__ == "__main__":
    sys.exit(main())
