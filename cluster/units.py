"""Sizes, rates and times: one definition each, and how people read them; pure."""

MIB, GIB = 1 << 20, 1 << 30  # memory
MB, GB = 10**6, 10**9  # disks, downloads and networks, as their makers count


def how_far(done: float, total: float, seconds: float, *, before: float = 0) -> str:
    """Bytes, of which `before` were there at first: `3.1 of 12.0 GB, 0.41 GB/s, 22 s left`."""
    text = f"{done / GB:.1f} of {total / GB:.1f} GB"
    if done <= before or seconds <= 0:
        return text
    rate = (done - before) / seconds
    return f"{text}, {rate / GB:.2f} GB/s, {(total - done) / rate:.0f} s left"


def age(seconds: float) -> str:
    """As people say it: 42s, 3m, 5h, 2d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:.0f}s"


def clock_time(seconds: float) -> str:
    """As on a clock: 0:07, 12:30, 4:05:00."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
