"""A download that runs on a host: what it is asked, what it says while it runs, how it ends."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from cluster.errors import Unreachable
from cluster.execution.lock import beat
from cluster.facts.hosts import HostFacts
from cluster.reporter import Reporter
from cluster.transport.answers import answers
from cluster.transport.program import program
from cluster.transport.protocol import Transport
from cluster.units import GB, how_far
from orchestrator.models.hub.ask import HubAccess
from orchestrator.models.lockfile import LockedModel
from orchestrator.models.name import ModelName
from orchestrator.models.pull_errors import GOES_ON, download_error, no_answer

DOWNLOAD_SILENCE_S = 20.0  # the program says something each second


def download(
    transport: Transport, here: HostFacts, entry: LockedModel, hub: HubAccess, reporter: Reporter
) -> Mapping[str, Any]:
    """The program's last event. After Ctrl-C it ends, and what has arrived stays."""
    if here.cache.hangs:
        raise download_error(
            {"failed": "hangs", "path": here.cache.path, "limit_s": 3}, here, hub, entry
        )
    sent = program("orchestrator.host.download", request_for(here, entry, hub))
    session = transport.session(here.node, sent)
    done = threading.Event()
    threading.Thread(target=beat, args=(session, done), daemon=True).start()
    watch = DownloadProgress(here.node.name, len(entry.files), reporter)
    try:
        for event in answers(session, DOWNLOAD_SILENCE_S):
            if "failed" in event:
                raise download_error(event, here, hub, entry)
            if "end" in event:
                end: Mapping[str, Any] = event["end"]
                return end
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

    def note(self, event: Mapping[str, Any]) -> None:
        if "start" in event:
            self.begin(event["start"])
        elif "waits" in event:
            pause = f"; again in {event['pause_s']:g} s" if event["pause_s"] else ""
            self.reporter.tell(f"{self.host}: {event['waits']}{pause}")
        elif "done" in event:
            self.whole += "file" in event
            name = f", {event['file']}" if "file" in event else ""
            self.reporter.progress(self.line(event["done"], time.monotonic() - self.begun) + name)

    def begin(self, start: Mapping[str, Any]) -> None:
        self.total, self.begun = start["total"], time.monotonic()
        self.first = self.total - start["left"]
        self.whole = self.files - start["files"]
        if start["files"]:
            resumed = (
                f", of which {start['resumed'] / GB:.2f} GB are here" if start["resumed"] else ""
            )
            self.reporter.tell(
                f"{self.host} downloads {start['files']} of {self.files} files, "
                f"{(start['left'] + start['resumed']) / GB:.2f} GB{resumed}"
            )

    def line(self, done: int, seconds: float) -> str:
        """As in `h1: 7 of 25 files, 3.1 of 12.0 GB, 0.41 GB/s, 22 s left`."""
        far = how_far(done, self.total, seconds, before=self.first)
        return f"{self.host}: {self.whole} of {self.files} files, {far}"
