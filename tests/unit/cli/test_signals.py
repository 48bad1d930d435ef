"""Being told to end, with real signals and real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys, time, types
from contextlib import contextmanager
from moorage.cli import verbs
from moorage.cli.main import run

def work(call):
    try:
        print("working", flush=True)
        for _ in range(600):  # not at once: a signal right before a system call is seen after it
            time.sleep(0.1)
    except Exception:
        print("taken for an error", flush=True)
    finally:
        print("tidied up", flush=True)

verbs.verb = lambda command: types.SimpleNamespace(run=work)
import moorage.cli.session
moorage.cli.session.verb = verbs.verb
sys.exit(run(["slug", "x"], {}))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_work_unwinds_and_the_exit_code_names_the_signal(number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (out, process.returncode) == ("tidied up\n", 128 + number)
    assert err == f"warning: ended by {number.name}: what was done stays done, the next run goes on from there\n"


STUCK = """
import sys, threading, types
from moorage.cli import signals
signals._PATIENCE = 0.2
from moorage.cli.signals import ending_on_signals
from moorage.commands.ending import Ended, Ending
thread = threading.Thread(target=threading.Event().wait)
thread.start()
try:
    with ending_on_signals(Ending()):
        print("working", flush=True)
        while True:
            threading.Event().wait(0.1)
except Ended as ended:
    sys.exit(ended.exit_code)
"""


def test_threads_that_do_not_end_are_not_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
