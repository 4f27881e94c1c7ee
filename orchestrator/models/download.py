"""A download that runs on a host: what it is asked, what it says while it runs, how it ends."""

import threading
import time
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cluster.checks.shared_cache import MOUNT_LIMIT_S
from cluster.errors import Unreachable
from cluster.execution.lock import beat
from cluster.facts.hosts import HostFacts
from cluster.reporter import Reporter
from cluster.transport.answers import answers, keyed
from cluster.transport.program import program
from cluster.transport.protocol import Transport
from cluster.units import GB, how_far
from orchestrator.models.hub.ask import HubAccess
from orchestrator.models.lockfile import LockedModel
from orchestrator.models.name import ModelName
from orchestrator.models.pull_errors import (
    GOES_ON,
    DownloadFailure,
    download_error,
    no_answer,
)

DOWNLOAD_SILENCE_S = 20.0  # the program says something each second


@dataclass(frozen=True)
class Plan:
    """Files to come, bytes left of them, bytes of them that are here, bytes of all files."""

    files: int
    left: int
    resumed: int
    total: int


@dataclass(frozen=True)
class Start:
    start: Plan


@dataclass(frozen=True)
class Downloaded:
    """Files and bytes that came now, in how many seconds, and where the snapshot is."""

    files: int
    bytes: int
    seconds: float
    path: str


@dataclass(frozen=True)
class DownloadEnd:
    end: Downloaded


@dataclass(frozen=True)
class Waits:
    """Why it waits, and for how long; 0 s where it goes on at once."""

    waits: str
    pause_s: float


@dataclass(frozen=True)
class Done:
    """Bytes so far, and the file that has just become whole."""

    done: int
    file: str = ""


Event = DownloadFailure | Start | DownloadEnd | Waits | Done
EVENTS: TypeAdapter[Event] = keyed(DownloadFailure, Start, DownloadEnd, Waits, Done)


def download(
    transport: Transport, here: HostFacts, entry: LockedModel, hub: HubAccess, reporter: Reporter
) -> Downloaded:
    """How it ended. After Ctrl-C it ends, and what has arrived stays."""
    if here.cache.hangs:
        hangs = DownloadFailure("hangs", path=here.cache.path, limit_s=MOUNT_LIMIT_S)
        raise download_error(hangs, here, hub, entry)
    sent = program("orchestrator.host.download", request_for(here, entry, hub))
    session = transport.session(here.node, sent)
    done = threading.Event()
    threading.Thread(target=beat, args=(session, done), daemon=True).start()
    watch = DownloadProgress(here.node.name, len(entry.files), reporter)
    try:
        for event in answers(session, EVENTS, DOWNLOAD_SILENCE_S):
            match event:
                case DownloadFailure():
                    raise download_error(event, here, hub, entry)
                case DownloadEnd(end):
                    return end
                case _:
                    watch.note(event)
    except TimeoutError:
        raise no_answer(here, DOWNLOAD_SILENCE_S) from None
    except KeyboardInterrupt:
        reporter.tell(GOES_ON)
        raise
    finally:
        done.set()
        session.close()
    raise Unreachable(here.node.name, "the connection broke while it downloaded", GOES_ON)


def request_for(here: HostFacts, entry: LockedModel, hub: HubAccess) -> dict[str, Any]:
    """The token travels as all requests do: on the program's standard input."""
    return {
        "cache": here.cache.path,
        "folder": ModelName.of(entry.model).folder,
        "model": entry.model,
        "revision": entry.revision,
        "commit": entry.commit,
        "endpoint": hub.endpoint,
        "token": hub.token or "",
        "silence_s": hub.silence_s,
        "files": [(file.path, file.size, file.hash) for file in entry.files],
    }


class DownloadProgress:
    """The program's events as lines for people."""

    def __init__(self, host: str, files: int, reporter: Reporter) -> None:
        self.host, self.files, self.reporter = host, files, reporter
        self.total = self.first = self.whole = 0
        self.begun = time.monotonic()

    def note(self, event: Start | Waits | Done) -> None:
        match event:
            case Start(plan):
                self.begin(plan)
            case Waits(why, pause_s):
                pause = f"; again in {pause_s:g} s" if pause_s else ""
                self.reporter.tell(f"{self.host}: {why}{pause}")
            case Done(done, file):
                self.whole += bool(file)
                name = f", {file}" if file else ""
                self.reporter.progress(self.line(done, time.monotonic() - self.begun) + name)

    def begin(self, plan: Plan) -> None:
        self.total, self.begun = plan.total, time.monotonic()
        self.first = self.total - plan.left
        self.whole = self.files - plan.files
        if plan.files:
            resumed = f", of which {plan.resumed / GB:.2f} GB are here" if plan.resumed else ""
            self.reporter.tell(
                f"{self.host} downloads {plan.files} of {self.files} files, "
                f"{(plan.left + plan.resumed) / GB:.2f} GB{resumed}"
            )

    def line(self, done: int, seconds: float) -> str:
        """As in `h1: 7 of 25 files, 3.1 of 12.0 GB, 0.41 GB/s, 22 s left`."""
        far = how_far(done, self.total, seconds, before=self.first)
        return f"{self.host}: {self.whole} of {self.files} files, {far}"
