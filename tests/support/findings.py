"""What checks say of facts, as plain values to compare."""

from collections.abc import Iterable
from typing import Any

from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import Finding
from tests.support.factory import config_of, entry

CONFIG = config_of(entry(1), entry(2), entry(3))


def said(found: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """(state, where, what), and whether each that is no pass has a hint."""
    findings = list(found)
    assert all(each.hint for each in findings if each.state != "pass")
    return [(each.state, each.where, each.what) for each in findings]


def of(check: Any, *hosts: HostFacts) -> list[tuple[str, str, str]]:
    return said(check(CONFIG, Facts(hosts, ())))
