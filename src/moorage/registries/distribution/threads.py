"""The same call for many things at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(call: Callable[[T], R], items: Iterable[T], parallel: int) -> list[R]:
    """The results in the order of the items. The first exception is raised; what has not begun by then is not begun any more."""
    waiting = list(items)
    if len(waiting) < 2 or parallel < 2:
        return [call(item) for item in waiting]
    with ThreadPoolExecutor(min(parallel, len(waiting)), thread_name_prefix="moorage") as pool:
        futures = [pool.submit(call, item) for item in waiting]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
