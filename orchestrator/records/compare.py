"""How two servers differ, fact by fact: for `bench compare`, `sample` and `audit verify`; pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from cluster.inventory.problems import first_fault
from cluster.ray.environment import PER_HOST_VARIABLES
from cluster.units import GIB
from orchestrator.records.provenance import Machine, Provenance

FactSubject = Literal["model", "software", "arguments", "environment", "hardware", "names"]
NAMING_OPTIONS = {"host", "port", "served_model_name"}  # they say where, and under which name
NAMING_VARIABLES = {"RAY_ADDRESS", "VLLM_CONFIG_ROOT", "VLLM_HOST_IP", *PER_HOST_VARIABLES}
NUMBER = re.compile(r"-\d")  # a value, though it begins like an option


@dataclass(frozen=True)
class ServerFact:
    """`value` is empty where it is not known. Facts about `names` change no answer."""

    subject: FactSubject
    name: str
    value: str


@dataclass(frozen=True)
class FactDifference:
    """A fact with two values; one is empty where only the other server states it."""

    subject: FactSubject
    name: str
    first: str
    second: str


def provenance_of(record: Mapping[str, Any]) -> Provenance:
    """From JSON that was written earlier. Raises ValueError where it is not a provenance."""
    try:
        return TypeAdapter(Provenance).validate_python(record)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None


def compare_facts(
    first: Iterable[ServerFact], second: Iterable[ServerFact]
) -> Iterator[FactDifference]:
    """In the order of the facts; those that only the second server states come last."""
    ours, theirs = ({(f.subject, f.name): f.value for f in each} for each in (first, second))
    for subject, name in ours | theirs:
        one, other = (each.get((subject, name), "") for each in (ours, theirs))
        if one != other:
            yield FactDifference(subject, name, one, other)


def provenance_facts(server: Provenance) -> Iterator[ServerFact]:
    """All that is known of a server; facts of its hosts are combined."""
    yield ServerFact("model", "model", server.model or server.served_name)
    yield ServerFact("model", "commit", server.commit or server.revision)
    yield from software_facts(server)
    yield from option_facts(server.arguments)
    split, _, hosts = server.split.partition(" on ")
    yield ServerFact("arguments", "split", split)
    for name, value in server.environment.items():
        yield ServerFact("names" if name in NAMING_VARIABLES else "environment", name, value)
    yield from hardware_facts(server.hosts)
    yield from name_facts(server)
    yield ServerFact("names", "hosts of the split", hosts)


def software_facts(server: Provenance) -> Iterator[ServerFact]:
    """Where hosts have several versions of a package, its value lists them all."""
    tables: list[Mapping[str, str]] = [host.versions for host in server.hosts]
    tables = tables if any(tables) else [server.versions]
    for package in sorted({name for table in tables for name in table}):
        yield ServerFact(
            "software", package, distinct_values(t.get(package, "none") for t in tables)
        )
    yield ServerFact("software", "driver", distinct_values(host.driver for host in server.hosts))
    yield ServerFact("software", "kernel", distinct_values(host.kernel for host in server.hosts))


def hardware_facts(hosts: Sequence[Machine]) -> Iterator[ServerFact]:
    gpus = Counter(gpu for host in hosts for gpu in host.gpus)
    counts = ", ".join(f"{count} x {name}" for name, count in sorted(gpus.items()))
    yield ServerFact("hardware", "GPUs", counts)
    yield ServerFact("hardware", "machine", distinct_values(host.machine for host in hosts))
    yield ServerFact("hardware", "hosts", str(len(hosts) or ""))


def options_of(words: Sequence[str]) -> dict[str, str]:
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
    options = {}
    for option, values in found.items():
        negated = option.startswith("no_") and not values
        key = option.removeprefix("no_") if negated else option
        options[key] = "false" if negated else " ".join(values) or "true"
    return options


def option_facts(words: Sequence[str]) -> Iterator[ServerFact]:
    for name, value in options_of(words).items():
        yield ServerFact("names" if name in NAMING_OPTIONS else "arguments", name, value)


def name_facts(server: Provenance) -> Iterator[ServerFact]:
    """What differs from day to day and from site to site, and changes no answer."""
    hosts, words = server.hosts, server.arguments
    yield ServerFact("names", "recipe", server.recipe)
    yield ServerFact("names", "served name", server.served_name)
    yield ServerFact("names", "revision", server.revision)
    yield ServerFact("names", "cluster", server.cluster)
    yield ServerFact("names", "service", server.service)
    yield ServerFact("names", "host names", distinct_values(host.name for host in hosts))
    yield ServerFact("names", "addresses", distinct_values(host.address for host in hosts))
    yield ServerFact("names", "url", server.url)
    yield ServerFact("names", "program", words[0] if words else "")
    yield ServerFact("names", "folder", words[2] if len(words) > 2 else "")
    yield ServerFact("names", "cores", distinct_values(str(host.cores) for host in hosts))
    memory = distinct_values(f"{host.memory_total / GIB:.0f} GiB" for host in hosts)
    yield ServerFact("names", "memory", memory)
    yield ServerFact("names", "orchestrate", server.orchestrate)
    yield ServerFact("names", "Python of orchestrate", server.python)


def host_facts(hosts: Sequence[Machine]) -> Iterator[ServerFact]:
    """Each host by name: for two runs on the same hosts."""
    for host in hosts:
        driver = f", driver {host.driver}" if host.driver else ""
        gpus = ", ".join(host.gpus) or "no GPU"
        yield ServerFact("hardware", f"host {host.name}", f"{host.cores} cores, {gpus}{driver}")


def distinct_values(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))
