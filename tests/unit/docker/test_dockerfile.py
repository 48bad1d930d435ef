"""What a Dockerfile says about other images."""

import pytest

from moorage.docker.dockerfile import base_images, instructions, with_bases

MANY = """# syntax=docker/dockerfile:1
ARG VERSION=3.19
ARG REGISTRY
FROM --platform=$BUILDPLATFORM golang:1.22 AS build
RUN --mount=type=bind,from=assets,target=/a \\
    # FROM inside of a comment
    make
FROM scratch AS empty
FROM build AS again
FROM ${REGISTRY:-docker.io}/alpine:${VERSION}
COPY --from=build /a /a
COPY --chown=1 --from=busybox:1 /bin/sh /bin/sh
COPY --from=0 /b /b
RUN tool --from=nobody <<EOF
FROM heredoc
EOF
CMD ["FROM", "nothing"]
"""


def test_every_image_that_a_build_may_need() -> None:
    assert base_images(MANY, {}) == ("golang:1.22", "assets", "docker.io/alpine:3.19", "busybox:1")


def test_build_arguments_win_over_defaults() -> None:
    assert base_images(MANY, {"VERSION": "3.20", "REGISTRY": "example.com"})[2] == "example.com/alpine:3.20"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ARG A\nFROM x:${A:-1}", ("x:1",)),
        ("ARG A=\nFROM x:${A-1}", ("x:",)),
        ("ARG A=\nFROM x:${A:-1}", ("x:1",)),
        ("ARG A=1\nARG B=$A.2\nFROM x:$B", ("x:1.2",)),
        ("FROM x:$TARGETARCH", ("x:$TARGETARCH",)),
        ("from x as y\nfrom Y", ("x",)),
        ("FROM \\\n  x:1 \\\n  AS y\n", ("x:1",)),
        ("# escape=`\nFROM `\n x", ("x",)),
        ("FROM x@sha256:" + "a" * 64, ("x@sha256:" + "a" * 64,)),
        ("", ()),
    ],
)
def test_grammar(text: str, expected: tuple[str, ...]) -> None:
    assert base_images(text, {}) == expected


def test_other_names_and_every_line_where_it_was() -> None:
    text = "ARG B=web\nFROM --platform=linux/amd64 \\\n  $B AS b\nCOPY --from=assets /x /x\nRUN echo web assets\nFROM b\n"
    changed = with_bases(text, {}, {"web": "run:1", "assets": "run:2"})
    assert changed == (
        "ARG B=web\nFROM --platform=linux/amd64 run:1 AS b\n\nCOPY --from=run:2 /x /x\nRUN echo web assets\nFROM b\n"
    )


def test_comments_and_directives_stay() -> None:
    text = "# syntax=docker/dockerfile:1\n# why\nFROM web\n"
    assert with_bases(text, {}, {"web": "run:1"}) == "# syntax=docker/dockerfile:1\n# why\nFROM run:1\n"


def test_nothing_to_rename_changes_nothing() -> None:
    assert with_bases(MANY, {}, {"web": "run:1"}) == MANY


def test_instructions_know_their_lines() -> None:
    found = [(one.word, one.first, one.end) for one in instructions(MANY)]
    assert found[2:6] == [("FROM", 3, 4), ("RUN", 4, 7), ("FROM", 7, 8), ("FROM", 8, 9)]
