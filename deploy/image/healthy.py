"""A container's health check, small enough to run every few seconds: `healthy.py PORT` asks /healthz there."""

from __future__ import annotations

import http.client
import sys


def main() -> int:
    """Exit code 0 if the process answers that it is well; otherwise 1, and what it said."""
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=2.0)
    try:
        connection.request("GET", sys.argv[2] if len(sys.argv) > 2 else "/healthz")
        answer = connection.getresponse()
        text = answer.read(1000).decode("utf-8", "replace")
    except OSError as error:
        answer, text = None, str(error)
    sys.stdout.write(text + "\n")
    return 0 if answer is not None and answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
