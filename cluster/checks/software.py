"""The virtual environment of each host; the same versions on all, none known to fail."""

from collections.abc import Iterator

from cluster.checks.known_bad import known_bad
from cluster.facts.hosts import Facts, HostFacts
from cluster.finding import ALL_HOSTS, Finding
from cluster.inventory.config import ClusterConfig

PACKAGES = ("ray", "vllm", "torch", "nccl")
HINTS = {
    "driver": "install one driver version on all hosts",
    "system nccl": "install one libnccl2 on all hosts, or remove it: pip's NCCL is enough",
}

LACKING = {"ray": ("no Ray in", '"ray[default]"'), "vllm": ("no vLLM in", "vllm")}


def venv_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        yield virtual_environment(host, ("ray", "vllm"))


def ray_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """What Ray alone needs."""
    for host in facts.hosts:
        yield virtual_environment(host, ("ray",))


def virtual_environment(host: HostFacts, packages: tuple[str, ...]) -> Finding:
    if "versions" in host.unread:
        what = f"{host.venv} cannot be used: {host.unread['versions']}"
        hint = f"may {host.user} enter it, and where its python leads? or set `venv` in nodes.toml"
        return Finding("venv", host.node.name, "failure", what, hint)
    if not host.versions:
        what = f"no virtual environment at {host.venv}"
        hint = "install ray[default] and vllm there, or set `venv` in nodes.toml"
        return Finding("venv", host.node.name, "failure", what, hint)
    for package in packages:
        if package not in host.versions:
            lacking, pip = LACKING[package]
            hint = f"{host.venv}/bin/python -m pip install {pip}, or set `venv` in nodes.toml"
            return Finding("venv", host.node.name, "failure", f"{lacking} {host.venv}", hint)
    return Finding("venv", host.node.name, "pass", host.venv)


def version_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Ray refuses other versions; vLLM, torch and NCCL hang or crash much later."""
    hosts = [host for host in facts.hosts if host.versions]
    of_host = {host.node.name: versions_of(host) for host in hosts}
    names = dict.fromkeys([*PACKAGES, *(name for each in of_host.values() for name in each)])
    differing = False
    for package in names:
        found = {host: each.get(package, "missing") for host, each in of_host.items()}
        if len(set(found.values())) > 1:
            differing = True
            yield difference(package, found)
    if of_host and not differing:
        same = next(iter(of_host.values()))
        what = ", ".join(f"{name} {version}" for name, version in same.items())
        yield Finding("versions", ALL_HOSTS, "pass", what)


def versions_of(host: HostFacts) -> dict[str, str]:
    """What must be the same everywhere; of Python's version the first two numbers."""
    found = {name: host.versions[name] for name in PACKAGES if name in host.versions}
    if "python" in host.versions:
        found["python"] = ".".join(host.versions["python"].split(".")[:2])
    if host.gpus:
        found["driver"] = host.gpus[0].driver
    if host.survey and host.survey.nccl:
        found["system nccl"] = " and ".join(sorted(set(host.survey.nccl.values())))
    return found


def difference(package: str, found: dict[str, str]) -> Finding:
    return Finding(
        "versions",
        ALL_HOSTS,
        "failure",
        f"{package} is not the same everywhere: "
        + ", ".join(f"{name} {version}" for name, version in found.items()),
        HINTS.get(package, "install one set of versions on all hosts"),
    )


def known_bad_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        capabilities = frozenset(gpu.capability for gpu in host.gpus)
        has = [*versions_of(host).items()]
        found = [bad for bad in known_bad() if any(bad.applies(*v, capabilities) for v in has)]
        for bad in found:
            what = f"{bad.reason} ({bad.source})"
            yield Finding("known-bad", host.node.name, bad.state, what, bad.hint)
        yield from two_nccls(host)
        if host.versions and not found:
            yield Finding("known-bad", host.node.name, "pass", "no version that is known to fail")


def two_nccls(host: HostFacts) -> Iterator[Finding]:
    """Which of two is loaded depends on the search path of each process."""
    pip = host.versions.get("nccl", "")
    system = host.survey.nccl if host.survey else {}
    others = [path for path, version in system.items() if version != pip]
    if pip and others:
        yield Finding(
            "known-bad",
            host.node.name,
            "warning",
            f"two versions of NCCL: pip's {pip} and {', '.join(others)}",
            "make them one version, and the same on all hosts: ranks with different ones hang",
        )
