"""The command `conduit`."""

import signal
import sys

from ._conduit import command


def main() -> int:
    """Runs the command with the arguments of this process."""
    # The command handles signals itself, or leaves them to the system: Python's own handler would only note them.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command(["conduit", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
