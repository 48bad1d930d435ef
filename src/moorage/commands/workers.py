"""Threads that carry out deletions: waited for, unless the process is to end and they are in the middle of a long request."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any, Final

_LOOK_UP: Final = 0.2  # seconds between two questions whether to leave


def work_off(works: Iterable[Callable[[], Any]], parallel: int, stop: Event, leave: Callable[[], bool]) -> None:
    """Do all of these; the first exception is raised. Sets `stop` on the way out of any exception, for those that are queued.

    Where `leave` comes true before the last is done, threads are left behind, in requests that nothing interrupts.
    """
    pool = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="delete")
    futures = [pool.submit(work) for work in works]
    stayed = True
    try:
        stayed = all(_ended(future, leave) for future in futures)
    except BaseException:
        stop.set()  # nor while the pool winds up after a signal
        raise
    finally:
        pool.shutdown(wait=stayed, cancel_futures=True)


def _ended(future: "Future[Any]", leave: Callable[[], bool]) -> bool:
    while not leave():
        with suppress(TimeoutError):
            future.result(_LOOK_UP)
            return True
        if future.done():
            future.result()  # the work's own TimeoutError
    return future.done()
