"""Bandwidth measured between hosts; the links are the kernel's, and so are their limits."""

import json
from typing import Any

import pytest

from tests.hosts.lab import Lab

pytestmark = pytest.mark.hosts


def measured(lab: Lab) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(lab.run("cluster", "check", "--bandwidth", "--json").stdout)
    return report


def with_expected(lab: Lab, gbit: float) -> None:
    """Far below what an unshaped link carries, so that a busy machine is no failure."""
    lab.env["ORCHESTRATE_CLUSTER__FAST_GBIT"] = str(gbit)


def test_an_unshaped_link_passes_in_both_directions(lab: Lab) -> None:
    with_expected(lab, 0.5)
    report = measured(lab)
    assert [each["state"] for each in report["findings"]] == ["pass", "pass"]
    pairs = [(each["measured"]["source"], each["measured"]["target"]) for each in report["rates"]]
    assert sorted(pairs) == [("h1", "h2"), ("h2", "h1")]
    assert all(each["expected"]["gbit"] == 0.5 for each in report["rates"])
    lab.nothing_left()


def test_a_link_shaped_to_100_mbit_is_found_and_named(lab: Lab) -> None:
    with_expected(lab, 1)
    lab.hosts[1].shape("fast", "100mbit")
    try:
        report = measured(lab)
        said = lab.ok("cluster", "check", "--bandwidth")
    finally:
        lab.hosts[1].unshape("fast")
    rates = [each["measured"]["gbit"] for each in report["rates"]]
    assert all(0.08 < rate < 0.12 for rate in rates), rates
    assert {each["where"] for each in report["findings"]} == {"h1 -> h2", "h2 -> h1"}
    assert {each["state"] for each in report["findings"]} == {"warning"}
    assert "of 1 expected (`fast_gbit` of nodes.toml)" in report["findings"][0]["what"]
    assert "warning: h1 -> h2: TCP 0." in said
    assert "hint: likeliest first: 1. " in said


def test_a_firewall_is_a_failure_with_a_way_on(lab: Lab) -> None:
    host = lab.hosts[1]
    host.run(
        "nft add table inet closed && nft 'add chain inet closed in "
        "{ type filter hook input priority 0; }' && "
        "nft add rule inet closed in iif fast0 tcp flags syn / syn,ack drop"
    )
    try:
        failed = json.loads(lab.run("cluster", "check", "--bandwidth", "--json").stdout)
    finally:
        host.run("nft delete table inet closed")
    (found,) = [each for each in failed["findings"] if each["state"] == "failure"]
    assert found["where"] == "h1 -> h2"
    assert "could not be measured: timed out" in found["what"]
    assert "orchestrate cluster check" in found["hint"]
