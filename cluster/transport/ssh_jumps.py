"""The ways to the nodes, and one login to each jump host, however many nodes lie behind it."""

import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

import paramiko

from cluster.inventory.config import SshTable
from cluster.inventory.node import Node
from cluster.transport.ssh_connect import Link, ShownKey, greeted, logged_in, read_known, shown_key
from cluster.transport.ssh_errors import Stopped
from cluster.transport.ssh_options import NoOptions, Resolve, resolve, without_ssh
from cluster.transport.way import Way, asked_of, way_to


@dataclass
class Roads:
    """Logins to jump hosts live until close(). `resolve` says how ssh would reach a host."""

    settings: SshTable
    resolve: Resolve = resolve

    def __post_init__(self) -> None:
        self._guard = threading.Lock()
        self._jumps: dict[Way, Future[Link]] = {}

    def way(self, node: Node) -> Way:
        """Raises Stopped where ssh cannot say."""
        asked = asked_of(node, self.settings)
        try:
            return way_to(asked, self.resolve)
        except NoOptions as error:
            raise Stopped(without_ssh(asked, {}), False, error) from None

    def log_in(self, way: Way) -> Link:
        """A connection of the caller's own. Raises Stopped at the host that is at fault."""
        return self._reach(way, self._jump(way[:-1]), is_jump=False)

    def shown(self, way: Way) -> ShownKey:
        """The key of the last host, which is told nothing of ours. Raises Stopped."""
        via = self._jump(way[:-1])
        try:
            link = greeted(way[-1], carrier(via), self.settings.connect_timeout_s)
            try:
                return shown_key(way[-1], link.transport, read_known(way[-1]))
            finally:
                link.close()
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Stopped(way[-1], False, error) from None

    def close(self) -> None:
        with self._guard:
            links = [each.result() for each in self._jumps.values() if is_made(each)]
            self._jumps.clear()
        for link in reversed(links):
            with suppress(Exception):
                link.close()

    def _jump(self, way: Way) -> Link | None:
        """Whoever comes while another thread logs in there gets what that one gets."""
        if not way:
            return None
        with self._guard:
            login = self._jumps.get(way)
            ours = login is None or (login.done() and not is_made(login))
            if login is None or ours:
                login = self._jumps[way] = Future()
        if ours:
            try:
                login.set_result(self._reach(way, self._jump(way[:-1]), is_jump=True))
            except BaseException as error:
                login.set_exception(error)
        return login.result()

    def _reach(self, way: Way, via: Link | None, *, is_jump: bool) -> Link:
        try:
            return logged_in(way[-1], carrier(via), self.settings.connect_timeout_s)
        except Exception as error:  # paramiko has many kinds
            raise Stopped(way[-1], is_jump, error) from None


def carrier(via: Link | None) -> paramiko.Transport | None:
    return via.transport if via else None


def is_made(login: "Future[Link]") -> bool:
    return login.done() and not login.exception() and login.result().transport.is_active()
