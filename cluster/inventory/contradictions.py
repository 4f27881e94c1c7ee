"""What two keys of an inventory say against each other, each of them valid alone; pure."""

from collections.abc import Iterator

from cluster.errors import Problem
from cluster.inventory.address import place_of
from cluster.inventory.node import Node

LAST_PORT = 65535
FIRST_FREE_PORT = 1024  # those below are root's


def port_problems(
    port: int, dashboard_port: int, workers: tuple[int, int], source: str
) -> Iterator[Problem]:
    """Of [ray]: Ray itself would say it later, on the hosts, in its own words."""
    first, last = workers
    where = f"{source} [ray], worker_ports"
    if not FIRST_FREE_PORT <= first <= last <= LAST_PORT:
        hint = f'first-last, from {FIRST_FREE_PORT} to {LAST_PORT}, as in "20000-20999"'
        yield Problem(f"{first}-{last} is no range of ports", where, hint)
    for name, each in (("port", port), ("dashboard_port", dashboard_port)):
        if first <= each <= last:
            what = f"{first}-{last} holds `ray.{name}` {each}"
            yield Problem(what, where, f'leave {each} to it, as "20000-20999" does')
    if port == dashboard_port:
        what = f"{port} is also `ray.dashboard_port`"
        yield Problem(what, f"{source} [ray], port", "Ray needs two ports: leave one of them out")


def login_problems(node: Node, source: str) -> Iterator[Problem]:
    """A user or a port that stands in the address and besides it, and differs."""
    place = place_of(node.address) if node.address else None
    pairs = (("user", node.user), ("port", node.port)) if place else ()
    for name, own in pairs:
        if own is not None and getattr(place, name) not in (None, own):
            what = f"{name} is given twice: {own}, and {getattr(place, name)} in `address`"
            where = f"{source} [[node]] {node.name}, {name}"
            yield Problem(what, where, "leave one of them out")
