"""`python -m engine`: the embedded engine's command line, without the launcher."""

import sys

from engine.protocol import load_alone

load_alone()

from engine.cli.main import main  # noqa: E402 - the stubs must be found first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
