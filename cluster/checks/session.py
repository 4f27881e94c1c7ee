"""What the host's own system does to us: the logout, and names that nobody looks up."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts, HostFacts
from cluster.facts.survey import Logind
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig

FIRST_PERSON = 1000  # logind leaves the IPC objects of system users alone


def linger_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        if host.survey:
            yield linger(host, host.survey.logind)


def linger(host: HostFacts, logind: Logind) -> Finding:
    """Without linger, the end of the last SSH session is a logout, though our services go on."""
    place = host.node.name
    if not logind.systemd:
        return Finding("linger", place, "pass", "no systemd, so nobody acts on a logout")
    if logind.linger:
        return Finding("linger", place, "pass", f"{host.user} lingers")
    kills = logind.kill_processes
    removes = logind.remove_ipc and host.uid >= FIRST_PERSON
    if not (kills or removes):
        return Finding("linger", place, "pass", "a logout leaves everything as it is")
    what = "ends our services" if kills else "deletes their semaphores and shared memory (a hang)"
    return Finding(
        "linger",
        place,
        "failure" if logind.tracked else "warning",
        f"the logout of {host.user} {what}: "
        + ("KillUserProcesses=yes" if kills else "RemoveIPC=yes")
        + " and no linger",
        f"on that host: sudo loginctl enable-linger {host.user}",
    )


def dns_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Only a warning: Ray and vLLM get addresses from us."""
    for host in facts.hosts:
        if host.survey and (host.survey.dns or host.survey.names):
            wrong = [
                *(f"DNS server {s}: {why}" for s, why in host.survey.dns.items() if why),
                *(f"looking {n} up: {why}" for n, why in host.survey.names.items() if why),
            ]
            yield dns(host, wrong)


def dns(host: HostFacts, wrong: list[str]) -> Finding:
    if not wrong:
        return Finding("dns", host.node.name, "pass", "names are looked up in time")
    return Finding(
        "dns",
        host.node.name,
        "warning",
        "; ".join(wrong),
        "correct /etc/resolv.conf there: a program that looks a name up waits (gRPC up to 90 s); "
        "we pass addresses",
    )
