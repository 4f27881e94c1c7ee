"""The log of a server that loads: tells its progress, wakes who waits for it, says why it died."""

import threading
import time
from dataclasses import dataclass, field

from cluster.errors import HostError
from cluster.reporter import Reporter
from cluster.runtimes.log import Ended, Line, log_events
from cluster.runtimes.service import Service
from cluster.transport.protocol import Session
from orchestrator.serving.load_log import Loading, hopeless, reason

SILENCE_S = 24 * 3600.0
LOADING_PAUSE_S = 1.0  # each look costs the host some CPU, and a load takes all there is
STARTED_PAUSE_S = 0.05


class ServerDied(HostError):
    """The server ended by itself."""


class Hopeless(HostError):
    """The server would wait for something that cannot come."""


class Over(Exception):
    """Nobody waits any more, as after Ctrl-C."""


@dataclass
class LoadWatch:
    """What the log's reader and the one who asks the server know of each other."""

    service: Service
    died: HostError | None = None
    over: bool = False
    near: threading.Event = field(default_factory=threading.Event)

    def follow(self, session: Session, reporter: Reporter) -> None:
        """Read the log to its end, or to the end of the session."""
        loading = Loading()
        try:
            for event in log_events(session, SILENCE_S):
                self.died = self.end_in(event, loading)
                if self.died or isinstance(event, Ended):
                    return
                if news := loading.read(event.line):
                    reporter.tell(news)
                if loading.starts:
                    self.near.set()
        finally:
            self.near.set()

    def end_in(self, event: Line | Ended, loading: Loading) -> HostError | None:
        """The error that this line of the log means, if any."""
        name, host = self.service.name, self.service.node.name
        if isinstance(event, Ended):
            why, log = reason(loading.lines), "\n".join(loading.tail())
            hint = f"orchestrate logs {name}"
            return ServerDied(host, f"{name} {event.exit.reason}: {why}", hint, log=log)
        if vain := hopeless(event.line):
            hint = f"orchestrate status shows the GPUs; orchestrate logs {name}"
            return Hopeless(host, f"{name} waits in vain: {vain}", hint)
        return None

    def stop(self) -> None:
        self.over = True
        self.near.set()

    def require_life(self) -> None:
        """Raises what ended the server, or Over."""
        if self.over:
            raise Over
        if self.died:
            raise self.died

    def pause(self) -> None:
        """Long while it loads; short once the log says that the server starts."""
        if self.near.is_set():
            time.sleep(STARTED_PAUSE_S)
        else:
            self.near.wait(LOADING_PAUSE_S)
