"""What Ctrl-C does, done also where a verb is told to end, or loses its terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def end_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP do what SIGINT does while the context lasts, unless they are ignored, as
    below nohup. For the main thread.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)  # asyncio's own while it runs
        if not callable(handler):  # ignored, as for what a script starts with &
            raise KeyboardInterrupt
        handler(signal.SIGINT, frame)

    before = {each: signal.getsignal(each) for each in ENDS}
    ours = [each for each in ENDS if before[each] is not signal.SIG_IGN]
    for each in ours:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, before[each])
