"""The virtual environment of each host, and the same versions on all of them."""

from collections.abc import Iterator

from cluster.config import ClusterConfig
from cluster.facts import Facts, HostFacts
from cluster.finding import Finding

SAME_EVERYWHERE = ("ray", "vllm", "torch", "nccl")
ALL_HOSTS = "hosts"


def venv_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        yield virtual_environment(host)


def virtual_environment(host: HostFacts) -> Finding:
    if not host.versions:
        what = f"no virtual environment at {host.venv}"
        hint = "install ray[default] and vllm there, or set `venv` in nodes.toml"
        return Finding("venv", host.node.name, "failure", what, hint)
    if "ray" not in host.versions:
        hint = f'{host.venv}/bin/python -m pip install "ray[default]"'
        return Finding("venv", host.node.name, "failure", f"no Ray in {host.venv}", hint)
    return Finding("venv", host.node.name, "pass", host.venv)


def version_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Ray refuses other versions; vLLM, torch and NCCL hang or crash much later."""
    differing = []
    for package in SAME_EVERYWHERE:
        found = {h.node.name: h.versions.get(package, "missing") for h in facts.hosts if h.versions}
        differing += list(difference(package, found))
    pythons = {
        host.node.name: ".".join(host.versions["python"].split(".")[:2])
        for host in facts.hosts
        if "python" in host.versions
    }
    differing += list(difference("python", pythons))
    if not differing and pythons:
        yield Finding("versions", ALL_HOSTS, "pass", "the same on all hosts")
    yield from differing


def difference(package: str, found: dict[str, str]) -> Iterator[Finding]:
    if len(set(found.values())) > 1:
        yield Finding(
            "versions",
            ALL_HOSTS,
            "failure",
            f"{package} is not the same everywhere: "
            + ", ".join(f"{name} {version}" for name, version in found.items()),
            "install one set of versions on all hosts",
        )
