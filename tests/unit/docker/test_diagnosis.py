import pytest

from moorage.auth.secret import Secret
from moorage.docker.diagnosis import is_transient, last_lines, remedy_for


@pytest.mark.parametrize(
    "text",
    [
        'Get "https://quay.io/v2/": net/http: TLS handshake timeout',
        "dial tcp 10.0.0.1:443: i/o timeout",
        "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        "write tcp 172.17.0.2:41234->1.2.3.4:443: write: connection reset by peer",
        "received unexpected HTTP status: 503 Service Unavailable",
        "error parsing HTTP 504 response: 504 Gateway Time-out",
        "unexpected status code from registry: HTTP status 500",
        "The push refers to repository [ghcr.io/acme/app]\n0123: Pushed\nunknown blob",
        "toomanyrequests: You have reached your pull rate limit.",
        'Patch "https://r.example.com/v2/a/blobs/uploads/1": EOF',
        "lookup registry.example.com: Temporary failure in name resolution",
        "http2: server sent GOAWAY and closed the connection",
    ],
)
def test_what_may_pass_is_tried_again(text: str) -> None:
    assert is_transient(text)


@pytest.mark.parametrize(
    "text",
    [
        "denied: requested access to the resource is denied",
        "unauthorized: authentication required",
        "An image does not exist locally with the tag: localhost:5000/app",
        "manifest unknown",
        'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
        "name invalid: repository name must be lowercase",
        "500a429b503c: Pushed",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "",
    ],
)
def test_what_stays_is_not(text: str) -> None:
    assert not is_transient(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "--engine registry"),
        ("permission denied while trying to connect to the Docker daemon socket", "group"),
        ("no basic auth credentials", "--registry"),
        ("http: server gave HTTP response to HTTPS client", "insecure-registries"),
        ("x509: certificate signed by unknown authority", "certs.d"),
        ('error getting credentials - err: exec: "docker-credential-pass": executable file not found', "helper"),
        ("write /var/lib/docker/tmp: no space left on device", "space"),
    ],
)
def test_known_causes_have_remedies(text: str, word: str) -> None:
    remedy = remedy_for(text)
    assert remedy is not None
    assert word in remedy


def test_an_unknown_cause_has_none() -> None:
    assert remedy_for("something new") is None


def test_the_last_lines_become_one_without_secrets() -> None:
    Secret("hunter2hunter2")
    text = "\n".join(f"line {number}" for number in range(20)) + "\n\nGet https://bob:x9@r.io/v2/?token=abc: hunter2hunter2\n"
    shown = last_lines(text)
    assert "line 15 | " in shown
    assert "line 14" not in shown
    for secret in ("hunter2hunter2", "x9", "abc"):
        assert secret not in shown


def test_of_a_failed_build_the_end_is_what_buildkit_says_in_sum() -> None:
    text = "#5 0.4 cannot access\n#5 ERROR: exit code: 2\n------\n > [2/2] RUN ls:\n0.4 cannot access\n------\nDockerfile:2\n"
    excerpt = "--------------------\n   1 |     FROM scratch\n   2 | >>> RUN ls\n   3 |\n--------------------\n"
    assert last_lines(f"{text}{excerpt}ERROR: failed to solve\n") == (
        "> [2/2] RUN ls: | 0.4 cannot access | Dockerfile:2 | ERROR: failed to solve"
    )


def test_a_frame_that_is_not_closed_is_no_frame() -> None:
    assert last_lines("one\n------\ntwo\n") == "one | two"
