"""A process that ends while a thread of a library still runs."""

from __future__ import annotations

import subprocess
import sys

WAITS = "threading.Thread(target=time.sleep, args=(300,)).start()"


def test_a_process_ends_with_its_code_and_its_last_words_whatever_its_threads_wait_for() -> None:
    begins = (
        "import sys, threading, time; from libs.common.shutdown import end_process; sys.stdout.write('last words'); "
    )
    for waits in (WAITS, ""):
        code = f"{begins}{waits}\nend_process(3)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (3, "last words")
