"""With real signals, on real processes: the program below holds a private configuration and says where."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from moorage.docker.config_dir import private_docker_config
from moorage.docker.leftovers import SETTLING
from moorage.docker.termination import at_end

HOLDER = textwrap.dedent(
    """
    import signal, sys, threading
    from pathlib import Path
    from moorage.docker.children import capture
    from moorage.docker.config_dir import private_docker_config

    def outer(number, frame):
        print("outer handler", flush=True)
        sys.exit(77)

    how = sys.argv[2]
    if how == "handled":
        signal.signal(signal.SIGTERM, outer)
    if how == "ignored":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with private_docker_config(None, place=Path(sys.argv[1])) as config:
        if how == "child":
            script = "echo $$ > pid; mv pid child; sleep 600"
            command = ["/bin/sh", "-c", f"cd {sys.argv[1]} && {script}"]
            worker = threading.Thread(target=capture, args=(command, {"PATH": "/usr/bin:/bin"}))
            worker.start()
            while not Path(sys.argv[1], "child").exists():
                pass
        print(config.directory, flush=True)
        for line in sys.stdin:
            print("still here", flush=True)
    """
)


SLOW_START = """
    import subprocess, time

    class SlowToKnow(subprocess.Popen):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            time.sleep(0.5)

    subprocess.Popen = SlowToKnow
    how = sys.argv[2]
""".replace("\n    ", "\n")


def hold(place: Path, how: str = "plain", program: str = HOLDER) -> tuple[subprocess.Popen[str], Path]:
    argv = [sys.executable, "-c", program, str(place), how]
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    assert process.stdout is not None
    directory = Path(process.stdout.readline().strip())
    assert directory.is_dir(), process.communicate()
    return process, directory


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_process_removes_the_directory_and_still_ends_it(number: signal.Signals, tmp_path: Path) -> None:
    process, directory = hold(tmp_path)
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == -number
    assert not directory.exists()


def test_an_interrupt_unwinds_as_python_does_it(tmp_path: Path) -> None:
    process, directory = hold(tmp_path)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert errors.strip().endswith("KeyboardInterrupt")
    assert not directory.exists()


def test_a_handler_that_was_there_before_is_called(tmp_path: Path) -> None:
    process, directory = hold(tmp_path, "handled")
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (77, "outer handler\n")
    assert not directory.exists()


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    process, directory = hold(tmp_path, "ignored")
    process.send_signal(signal.SIGHUP)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "still here\n"
    assert directory.is_dir()
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert not directory.exists()


def test_the_docker_command_of_a_worker_thread_ends_with_us(tmp_path: Path) -> None:
    process, directory = hold(tmp_path, "child")
    child = int((tmp_path / "child").read_text())
    os.kill(child, 0)
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert not directory.exists()
    deadline = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < deadline, "the child lives on"


def test_a_command_that_is_being_started_ends_with_us_as_well(tmp_path: Path) -> None:
    """The worker knows its process only half a second after it runs: told to end in between, we wait for that."""
    program = HOLDER.replace("how = sys.argv[2]", SLOW_START)
    process, directory = hold(tmp_path, "child", program)
    child = int((tmp_path / "child").read_text())
    process.terminate()
    process.communicate(timeout=20)
    assert not directory.exists()
    deadline = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < deadline, "the child lives on"


def test_what_sigkill_leaves_is_swept_by_the_next_run_and_a_living_one_is_not(tmp_path: Path) -> None:
    killed, left = hold(tmp_path)
    living, kept = hold(tmp_path)
    killed.kill()
    killed.communicate(timeout=20)
    assert left.is_dir()
    long_ago = time.time() - SETTLING - 1
    for directory in (left, kept):
        os.utime(directory / ".moorage", (long_ago, long_ago))
    with private_docker_config(None, place=tmp_path):
        assert not left.exists()
        assert kept.is_dir()
    living.terminate()
    living.communicate(timeout=20)
    assert not kept.exists()


def test_handlers_are_restored_when_the_last_block_ends() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    calls: list[str] = []
    with at_end(lambda: calls.append("outer")):
        with at_end(lambda: calls.append("inner")):
            assert signal.getsignal(signal.SIGTERM) != before[0]
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before
    assert calls == ["inner", "outer"]


def test_a_forked_child_does_not_remove_what_is_its_parents(tmp_path: Path) -> None:
    with private_docker_config(None, place=tmp_path) as config:
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGTERM
        assert config.directory.is_dir()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
