"""What was tried between hosts, told once for each fault; and the search for a packet's size."""

from cluster.checks.paths import HostPaths, Opened, Tried, findings_of
from cluster.finding import Finding
from cluster.host.path_size import HEADERS, SizeProbe
from tests.support.factory import config_of, entry, host_facts

CONFIG = config_of(entry(1), entry(2), entry(3))
OPENED = (Opened(6379, "fixed", "open"), Opened(20999, "range", "open"))
OPEN = {6379: "open", 20999: "open"}


def way(
    number: int, ports: dict[int, str] = OPEN, mtu: int | None = 9000, source: str = ""
) -> Tried:
    return Tried(source or f"10.0.0.{number}", ports, mtu, 9000)


def findings(changed: dict[tuple[int, int], Tried]) -> list[Finding]:
    """All pairs of three hosts, those of `changed` by (source, target)."""
    numbers = (1, 2, 3)
    paths = [
        HostPaths(
            host_facts(CONFIG.node[one - 1]),
            OPENED,
            {f"h{other}": changed.get((one, other), way(one)) for other in numbers if other != one},
        )
        for one in numbers
    ]
    return [found for found in findings_of(CONFIG, paths) if found.state != "pass"]


def test_all_is_well() -> None:
    assert findings({}) == []


def test_a_port_that_one_host_drops_for_all_is_told_once() -> None:
    dropped = {6379: "dropped", 20999: "open"}
    (found,) = findings({(2, 1): way(2, dropped), (3, 1): way(3, dropped)})
    assert (found.check, found.where, found.state) == ("firewall", "h1", "failure")
    assert found.what == (
        "TCP port 6379 (ray.port) of 10.0.0.1: dropped (no answer within 2.5 s) for h2, h3"
    )
    assert "sudo ufw allow from 10.0.0.0/24" in found.hint


def test_one_direction_is_named_as_such() -> None:
    (found,) = findings({(1, 2): way(1, {6379: "open", 20999: "refused"})})
    assert found.where == "h1 -> h2"
    assert "TCP port 20999 (ray.worker_ports) of 10.0.0.2: refused" in found.what


def test_a_dead_host_is_told_once() -> None:
    dead = {6379: "dropped", 20999: "dropped"}
    pairs = ((1, 2), (2, 1), (3, 2), (2, 3))
    (found,) = findings({(one, two): way(one, dead, None) for one, two in pairs})
    assert (found.check, found.where) == ("paths", "h2")
    assert found.what.startswith("nothing arrives at 10.0.0.2 for h1, h3: ")


def test_a_smaller_mtu_on_the_way() -> None:
    (found,) = findings({(1, 3): way(1, mtu=1500)})
    assert (found.check, found.where) == ("path-mtu", "h1 -> h3")
    assert "packets of 9000 bytes do not arrive; the largest that does has 1500" in found.what


def test_udp_alone_is_dropped() -> None:
    (found,) = findings({(1, 3): way(1, mtu=None)})
    assert (found.check, found.state) == ("path-mtu", "warning")


def test_the_wrong_way_out() -> None:
    (found,) = findings({(1, 3): way(1, source="10.9.0.1")})
    assert (found.check, found.where) == ("route", "h1 -> h3")
    assert "leaves from 10.9.0.1, not from the fast address 10.0.0.1" in found.what


def searched(full: int, passes: int) -> tuple[int | None, int, float]:
    """The largest size found, packets sent, and seconds, when up to `passes` bytes arrive."""
    now, sent = 0.0, 0
    probe = SizeProbe(full, now)
    while not probe.done:
        for payload in probe.due(now):
            sent += 1
            if payload + HEADERS <= passes:
                probe.heard(payload)
        now += 0.05
    return probe.largest, sent, now


def test_the_largest_packet_is_found_to_the_byte() -> None:
    for passes in (128, 576, 1280, 1499, 1500, 1501, 4096, 8999):
        largest, _, seconds = searched(9000, passes)
        assert largest == passes
        assert seconds < 4


def test_a_whole_path_takes_two_packets() -> None:
    assert searched(9000, 9000) == (9000, 2, 0.05)


def test_silence_ends_the_search() -> None:
    largest, _, seconds = searched(9000, 0)
    assert largest is None
    assert seconds < 2.5
