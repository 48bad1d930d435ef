import io
import sys
from pathlib import Path

from moorage.docker.children import capture, copy_output, stream

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "GREETING": "hello"}


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_outputs_are_kept_apart_and_the_exit_code_is_told() -> None:
    program = "import os, sys; print(os.environ['GREETING'], sys.stdin.read()); print('oops', file=sys.stderr); sys.exit(3)"
    finished = capture(python(program), ENVIRONMENT, stdin=b"you")
    assert (finished.exit_code, finished.output, finished.errors) == (3, "hello you\n", "oops\n")


def test_a_command_that_does_not_read_its_input_is_no_problem() -> None:
    assert capture(["true"], ENVIRONMENT, stdin=b"x" * 1_000_000).exit_code == 0


def test_a_command_that_takes_too_long_is_ended_with_its_own_children() -> None:
    # The grandchild keeps the pipe open: were it left alone, reading would go on until it ends.
    finished = capture(["/bin/sh", "-c", "sleep 600 & echo started; wait"], ENVIRONMENT, timeout=4)
    assert finished.timed_out
    assert finished.output == "started\n"


def test_lines_are_handed_over_as_they_come_both_outputs_in_order() -> None:
    lines: list[str] = []
    finished = stream(python("import sys; print('one', flush=True); print('two', file=sys.stderr)"), ENVIRONMENT, lines.append)
    assert lines == ["one", "two"]
    assert finished.exit_code == 0
    assert finished.errors == "one\ntwo"


def test_only_the_end_of_a_long_output_is_kept() -> None:
    finished = stream(python("for n in range(5000): print('line', n)"), ENVIRONMENT, lambda _line: None)
    assert finished.errors.splitlines()[-1] == "line 4999"
    assert len(finished.errors.splitlines()) == 20


def test_following_ends_when_time_is_up() -> None:
    lines: list[str] = []
    finished = stream(["/bin/sh", "-c", "echo one; sleep 600"], ENVIRONMENT, lines.append, timeout=4)
    assert finished.timed_out
    assert lines == ["one"]


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    lines: list[str] = []
    stream(python(r"import os; os.write(1, b'caf\xe9\n')"), ENVIRONMENT, lines.append)
    assert lines == ["caf�"]


def test_a_large_output_goes_to_a_file_unchanged(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "source").write_bytes(content)
    target = io.BytesIO()
    finished = copy_output(["cat", str(tmp_path / "source"), str(tmp_path / "gone")], ENVIRONMENT, target)
    assert target.getvalue() == content
    assert finished.exit_code == 1
    assert "gone" in finished.errors
