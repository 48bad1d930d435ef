"""More tags for an image that is up: moorage against docker tag and push for each, near and as far as a cloud's registry.

python -m bench.tags
"""

from __future__ import annotations

import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.row import Row, seconds, show
from bench.workplace import AWAY, Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
TAGS = [f"v{number}" for number in range(10)]


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        place = Workplace.at(Path(folder))
        with place.images(1) as images:
            for away in (0.0, AWAY):
                yield more_tags(place, images[0], away)


def more_tags(place: Workplace, image: str, away: float) -> Row:
    ours, theirs = [], []
    with place.registry(away=away) as host:
        place.moorage(host, [f"app=docker-daemon:{image}"])
        place.push(host, [image])
        for number in range(ROUNDS):
            tags = [f"{tag}-{number}" for tag in TAGS]
            ours.append(seconds(partial(place.moorage, host, [f"app=docker-daemon:{image}"], tags=["v1", *tags])))
            theirs.append(seconds(partial(place.push, host, [image], tags=tags)))
    where = f", {away * 1000:.0f} ms away" if away else ""
    title, against = f"10 more tags for an image of 52 MB{where}", "10 times docker tag, push"
    return Row(title, statistics.median(ours), statistics.median(theirs), "s", against)


if __name__ == "__main__":
    show(rows())
