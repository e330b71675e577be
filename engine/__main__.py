"""`python -m engine`: the embedded engine's command line, without the launcher."""

import sys

from engine.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
