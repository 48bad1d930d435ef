"""The debug log of our own modules, on stderr, with secrets blanked."""

import logging
from typing import TextIO

from moorage.auth.secret import blank


class _Blanking(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return blank(super().format(record))


def log_to(stream: TextIO, level: str) -> None:
    """Send what `moorage.…` loggers say to the stream, from this level on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Blanking("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("moorage")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())
