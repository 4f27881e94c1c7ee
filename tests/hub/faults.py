"""What can go wrong with an answer of the hub; each fault strikes a given number of times."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch

ALWAYS = 1 << 30
HOLD_LIMIT_S = 60.0


@dataclass
class Hold:
    """A transfer that stops in mid-file until the test lets it go on."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """On the hub's side: say that the place is reached, go on when released."""
        self.reached.set()
        self.released.wait(HOLD_LIMIT_S)

    def arrived(self) -> None:
        """On the test's side: wait until the transfer has come so far."""
        assert self.reached.wait(HOLD_LIMIT_S), "the transfer never came so far"


@dataclass
class Fault:
    """Strikes requests whose path matches the pattern (`*` also over `/`).

    `path` is that of the URL, as in `/org/model/resolve/*` or `/cdn/<sha256>`. With `status` the
    answer is just that; `after` bytes of the body, `drop` closes the connection and `hold` waits;
    `instead` is sent in place of the right bytes; `rate` bounds the body, in bytes per second.
    """

    path: str
    times: int = 1
    method: str = "*"
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int = 0
    drop: bool = False
    hold: Hold | None = None
    instead: bytes | None = None
    rate: float | None = None

    def strikes(self, method: str, path: str) -> bool:
        """Tell whether this request is struck, and count it."""
        if not (self.times and fnmatch(path, self.path) and fnmatch(method, self.method)):
            return False
        self.times -= 1
        return True
