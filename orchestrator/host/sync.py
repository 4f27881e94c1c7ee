"""One host's part in a copy of a model along a chain of hosts.

Input: {"files": [{"paths", "size", "hash", "blob", "key"}], "cache", "folder", "on_hub", "commit",
"refs", "address", "token", "run", "name"}, then orders, a JSON object a line whose keys are methods
of Host below. Silence or the end of input ends the program; what has arrived stays for the next
run.
Output: events, a JSON object a line; twice a second the counters.
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from cluster.host import chunks, hasher, links
from orchestrator.host import cache_modes, layout

SILENCE_LIMIT_S = 60
REPORT_S = 0.5
SPEAKING = threading.Lock()


def tell(**event: Any) -> None:
    with SPEAKING:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def failed(error: BaseException) -> None:
    tell(error=f"{type(error).__name__}: {error}")


class Host:
    """Answers the control; each public method is one order."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.files = request["files"]
        self.goal = layout.Goal(request)
        self.nonce = self.goal.anchor + f"/.orchestrate-{request['run']}-{request['name']}"
        self.store = chunks.Store(self.goal.staging, self.files)
        self.hasher = hasher.Hasher(self.store, self._hashed)
        self.listener: Any = None
        self.link: Any = None
        self.checked: dict[int, str] = {}
        self.checking: set[int] = set()
        self.all_checked = threading.Event()
        self.sent, self.sending = 0, threading.Lock()

    def greet(self, _: Any) -> None:
        os.makedirs(self.goal.anchor, exist_ok=True)
        with open(self.nonce, "w"):
            pass
        tell(hello=self.request["name"])

    def look(self, names: list[str]) -> None:
        """Which hosts' nonces are seen here: those share this cache."""
        beginning = f"{self.goal.anchor}/.orchestrate-{self.request['run']}-"
        tell(seen=[name for name in names if os.path.exists(beginning + name)])

    def give(self, _: Any) -> None:
        """Be the source."""
        for index, file in enumerate(self.files):
            path = self.goal.path(index)
            if os.stat(path).st_size != file["size"]:
                raise OSError(f"{path} has not {file['size']} bytes")
            self.store.adopt(index, path)
        self.hasher.start(failed)
        self._ready()

    def take(self, _: Any) -> None:
        """Be a receiver: look what is there already, then listen."""
        aside(self._take)

    def _take(self) -> None:
        os.makedirs(self.goal.staging, exist_ok=True)
        self.guard = os.open(self.goal.staging + "/lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self.guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OSError("another copy of this model is being written here") from None
        self._check_what_is_there()
        for index in range(len(self.files)):
            if self.store.data[index] is None:
                self.store.grow(index)
        self.listener = links.Listener(self.store, self.request["address"], self.request["token"])
        aside(lambda: self.listener.serve(tell))
        self._ready()
        for index in range(len(self.files)):
            if self.store.is_part(index):
                self.hasher.follow(index)
            else:
                tell(hashed=[index, self.checked[index]])

    def _check_what_is_there(self) -> None:
        sizes = [self.goal.size(index) for index in range(len(self.files))]
        same = [i for i, file in enumerate(self.files) if sizes[i] == file["size"]]
        self.checking = set(same)
        self.hasher.start(failed)
        for index in same:
            self.store.adopt(index, self.goal.path(index))
            self.hasher.follow(index)
        if same:
            self.all_checked.wait()
        for index in same:
            if self.files[index]["hash"] not in ("", self.checked[index]):
                self.store.grow(index)

    def _hashed(self, index: int, value: str) -> None:
        if index not in self.checking:
            if self.store.is_part(index):
                os.fsync(self.store.data[index].fileno())
            tell(hashed=[index, value])
            return
        self.checked[index] = value
        self.checking.discard(index)
        if not self.checking:
            self.all_checked.set()

    def _ready(self) -> None:
        space = os.statvfs(self.goal.anchor)
        tell(
            ready=True,
            port=self.listener.port if self.listener else 0,
            missing=self.store.missing_bytes(),
            free=space.f_bavail * space.f_frsize,
        )
        self.leave()

    def leave(self) -> None:
        if os.path.exists(self.nonce):
            os.unlink(self.nonce)

    def next(self, target: dict[str, Any]) -> None:
        """Pass everything on to this host from now on."""
        if self.link:
            self.link.close()
        self.link = link = links.Link(self.store, target, self._count)
        aside(lambda: link.run(lambda why: tell(lost=target["name"], why=why)))

    def _count(self, sent: int) -> None:
        with self.sending:
            self.sent += sent

    def hash(self, indices: list[int]) -> None:
        """Hash what lies here, as the source."""
        for index in indices:
            self.hasher.follow(index)

    def again(self, indices: list[int]) -> None:
        """These files arrived damaged."""
        for index in indices:
            self.store.forget(index)
            self.hasher.follow(index)
        tell(forgot=indices)

    def place(self, _: Any) -> None:
        """All is here and right: move it to where vLLM looks."""
        aside(self._place)

    def _place(self) -> None:
        parts = {i: self.store.part(i) for i in range(len(self.files)) if self.store.is_part(i)}
        self.goal.place(parts)
        tell(placed=True)

    def count(self, _: Any) -> None:
        tell(last=self._counters())

    def report(self) -> None:
        while True:
            tell(counters=self._counters())
            time.sleep(REPORT_S)

    def _counters(self) -> dict[str, int]:
        got = self.listener.bytes if self.listener else 0
        return {"got": got, "sent": self.sent, "hashed": self.hasher.bytes}


def main(request: dict[str, Any]) -> None:
    cache_modes.keep_from_others()
    host = Host(request)
    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    orders.put({"greet": None})
    aside(host.report)
    aside(lambda: obey(host, orders))
    rest = b""
    while select.select([0], [], [], SILENCE_LIMIT_S)[0]:
        received = os.read(0, 1 << 16)
        if not received:
            break
        *lines, rest = (rest + received).split(b"\n")
        for line in lines:
            if line.strip():
                orders.put(json.loads(line))
    host.leave()
    os._exit(0)  # threads may wait for ever; parts and journals are written already


def obey(host: Host, orders: queue.Queue[dict[str, Any]]) -> None:
    while True:
        for name, argument in orders.get().items():
            getattr(host, name)(argument)


def aside(work: Callable[[], Any]) -> None:
    """In a thread; its failure is an event."""

    def guarded() -> None:
        try:
            work()
        except Exception as error:
            failed(error)

    threading.Thread(target=guarded, daemon=True).start()
