"""The line at which a build failed, in the words of three builders."""

import pytest

from moorage.docker.build_failure import failed_line

DOCKERFILE = "FROM alpine AS base\n\n# a step\nRUN make \\\n    all\nCOPY nothing /here\n"
NEW = """#5 [2/3] RUN make     all
#5 ERROR: process "/bin/sh -c make all" did not complete successfully: exit code: 1
------
 > [2/3] RUN make     all:
0.1 no rule
------
Dockerfile:4
--------------------
   3 |     # a step
   4 | >>> RUN make \\
   5 | >>>     all
--------------------
ERROR: failed to solve
"""
OLD = """#4 [1/1] COPY nothing /here
#4 ERROR: "/nothing" not found: not found
------
 > [base 1/1] COPY nothing /here:
------
ERROR: failed to solve: failed to compute cache key: "/nothing" not found: not found
"""
CLASSIC = """Step 1/3 : FROM alpine AS base
 ---> 1234
Step 2/3 : RUN make     all
 ---> Running in 5678
The command '/bin/sh -c make     all' returned a non-zero code: 1
"""


@pytest.mark.parametrize(
    ("said", "line"), [(NEW, 4), (OLD, 6), (CLASSIC, 4), ("Cannot connect to the Docker daemon", None), ("", None)]
)
def test_the_line_is_found(said: str, line: int | None) -> None:
    assert failed_line(said.splitlines(), DOCKERFILE) == line
