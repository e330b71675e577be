"""``python3 -m host packages [images] [tests]`` and ``python3 -m host docker [start|stop]``.

Exit codes: 0 done, 1 something is missing (said on stderr), 2 wrong use. ``docker start`` prints
``started`` or ``running``; ``docker stop`` ends only a daemon that ``docker start`` started.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from host import context
from host.daemon import Daemon
from host.errors import HostError
from host.packages import DOCKER, IMAGES, PLATFORM, TESTS, install


def main(arguments: list[str]) -> int:
    """Runs one command; see the module's docstring for its words and exit codes."""
    parser = argparse.ArgumentParser(prog="python3 -m host", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packages = commands.add_parser("packages", help="install the Debian packages that are missing")
    packages.add_argument("groups", nargs="*", metavar="GROUP", help="images, tests: install theirs too")
    docker = commands.add_parser("docker", help="find or start a Docker engine")
    docker.add_argument("action", choices=["start", "stop"])
    docker.add_argument("--data-root", type=Path, help="where a started daemon keeps its data")
    options = parser.parse_args(arguments)
    context.follow(os.environ)
    try:
        if options.command == "packages":
            unknown = set(options.groups) - {"images", "tests"}
            if unknown:
                parser.error(f"no such group: {', '.join(sorted(unknown))}; there are images and tests")
            # An engine that is there already, here or elsewhere, needs no second one installed.
            engine = bool(os.environ.get("DOCKER_HOST")) or Daemon().answers()
            needs = [need for need in PLATFORM if not (engine and need in DOCKER)]
            needs += IMAGES if "images" in options.groups else ()
            needs += TESTS if "tests" in options.groups else ()
            install(needs)
        elif options.action == "stop":
            Daemon(data_root=options.data_root).stop()
        elif os.environ.get("DOCKER_HOST"):
            sys.stdout.write("running\n")  # the program's own checks say so when it does not answer
        else:
            started = Daemon(data_root=options.data_root).ensure()
            sys.stdout.write("started\n" if started else "running\n")
    except HostError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
