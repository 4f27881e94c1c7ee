"""What a bundle states, as plain facts by rank: what two bundles are compared by; pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cluster.ray.environment import PER_HOST_VARIABLES
from orchestrator.audit.contents import Contents
from orchestrator.audit.severity import Rank
from orchestrator.records.provenance import Machine, Provenance

PLACES = {"host", "port", "served_model_name"}  # options that say where and under which name
OWN_PLACES = {"RAY_ADDRESS", "VLLM_CONFIG_ROOT", "VLLM_HOST_IP", *PER_HOST_VARIABLES}
NUMBER = re.compile(r"-\d")  # a value, though it begins like an option
GIB = 1 << 30


@dataclass(frozen=True)
class Fact:
    """`value` is empty where the bundle does not know it."""

    rank: Rank
    name: str
    value: str


def stated(contents: Contents) -> Iterator[Fact]:
    """All facts but the hashes of the weights and the samples, which are compared in parts."""
    server = contents.server
    assert server is not None
    yield Fact("model", "model", server.model or server.served_name)
    yield Fact("model", "commit", server.commit or server.revision)
    yield from software(server)
    yield from options(server.arguments)
    yield Fact("arguments", "split", server.split.partition(" on ")[0])
    for name, value in server.environment.items():
        yield Fact("names" if name in OWN_PLACES else "environment", name, value)
    yield from hardware(server.hosts)
    yield from names(contents, server)


def software(server: Provenance) -> Iterator[Fact]:
    """A package that hosts have in several versions shows them all."""
    tables = [host.versions for host in server.hosts] or [server.versions]
    for package in sorted({name for table in tables for name in table}):
        yield Fact("software", package, several(table.get(package, "none") for table in tables))
    yield Fact("software", "driver", several(host.driver for host in server.hosts))
    yield Fact("software", "kernel", several(host.kernel for host in server.hosts))


def hardware(hosts: Sequence[Machine]) -> Iterator[Fact]:
    gpus = Counter(gpu for host in hosts for gpu in host.gpus)
    shown = ", ".join(f"{count} x {name}" for name, count in sorted(gpus.items()))
    yield Fact("hardware", "GPUs", shown)
    yield Fact("hardware", "machine", several(host.machine for host in hosts))
    yield Fact("hardware", "hosts", str(len(hosts) or ""))


def options(words: Sequence[str]) -> Iterator[Fact]:
    """vLLM's options by name, after `vllm serve FOLDER`; --no-x is x false, a bare one true."""
    found: dict[str, list[str]] = {}
    name = ""
    for word in words[3:]:
        if word.startswith("-") and not NUMBER.match(word):
            option, equals, value = word.lstrip("-").partition("=")
            name = option.replace("-", "_")
            found[name] = [value] if equals else []
        elif name:
            found[name].append(word)
    for option, values in found.items():
        negated = option.startswith("no_") and not values
        shown = "false" if negated else " ".join(values) or "true"
        rank: Rank = "names" if option in PLACES else "arguments"
        yield Fact(rank, option.removeprefix("no_") if negated else option, shown)


def names(contents: Contents, server: Provenance) -> Iterator[Fact]:
    """What differs from day to day and from site to site, and changes no answer."""
    hosts, audit, manifest = server.hosts, contents.audit, contents.manifest
    yield Fact("names", "recipe", server.recipe)
    yield Fact("names", "cluster", server.cluster)
    yield Fact("names", "host names", several(host.name for host in hosts))
    yield Fact("names", "addresses", several(host.address for host in hosts))
    yield Fact("names", "url", server.url)
    yield Fact("names", "folder", server.arguments[2] if len(server.arguments) > 2 else "")
    yield Fact("names", "cores", several(str(host.cores) for host in hosts))
    memory = several(f"{host.memory_total / GIB:.0f} GiB" for host in hosts)
    yield Fact("names", "memory", memory)
    yield Fact("names", "orchestrate", server.orchestrate)
    yield Fact("names", "Python of orchestrate", server.python)
    if audit:
        yield Fact("names", "created", audit.created)
        yield Fact("names", "created by", audit.by)
        yield Fact("names", "serving since", audit.serving_since)
    if manifest:
        yield Fact("names", "files hashed", manifest.verified)
    if contents.lock:
        yield Fact("names", "locked", contents.lock.locked)


def several(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))


def weights(contents: Contents) -> Mapping[str, str]:
    """SHA-256 by file as it was hashed; empty without a manifest."""
    files = contents.manifest.files if contents.manifest else ()
    return {file.path: file.sha256 for file in files}
