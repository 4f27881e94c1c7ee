"""(config, facts) -> every Problem at once, before anything is started; pure."""

from collections.abc import Callable, Iterable, Iterator

from cluster.config import ClusterConfig
from cluster.errors import Problem
from cluster.facts import Facts, HostFacts

GIB = 1 << 30
MIN_DISK_BYTES = GIB  # Ray's session and vLLM's logs; below it Ray stops scheduling
SAME_EVERYWHERE = ("ray", "vllm", "torch", "nccl")


def start_problems(config: ClusterConfig, facts: Facts) -> list[Problem]:
    """What keeps Ray from coming up on these hosts."""
    checks: tuple[Callable[[HostFacts], Iterable[Problem]], ...] = (
        environment_problems,
        address_problems,
        disk_problems,
    )
    return [
        *(problem for lost in facts.unreached for problem in lost.error.problems),
        *(problem for host in facts.hosts for check in checks for problem in check(host)),
        *version_problems(facts),
        *ray_port_problems(config, facts),
    ]


def environment_problems(host: HostFacts) -> Iterator[Problem]:
    if not host.versions:
        yield Problem(
            f"no virtual environment at {host.venv}",
            host.node.name,
            "install ray[default] and vllm there, or set `venv` in nodes.toml",
        )
    elif "ray" not in host.versions:
        yield Problem(
            f"no Ray in {host.venv}",
            host.node.name,
            f'{host.venv}/bin/python -m pip install "ray[default]"',
        )


def address_problems(host: HostFacts) -> Iterator[Problem]:
    if host.fast_interface is None:
        known = ", ".join(f"{each.name} {' '.join(each.addresses)}" for each in host.interfaces)
        yield Problem(
            f"no interface has the fast address {host.node.fast} (there are: {known})",
            host.node.name,
            "is the cable in and the address set? or correct `fast_address` in nodes.toml",
        )


def disk_problems(host: HostFacts) -> Iterator[Problem]:
    for path, free in host.disk_free.items():
        if free is not None and path != "/dev/shm" and free < MIN_DISK_BYTES:
            yield Problem(
                f"only {free / GIB:.2f} GiB free on {path}, {MIN_DISK_BYTES / GIB:g} GiB needed",
                host.node.name,
                f"make room there: du -xh --max-depth=2 {path} | sort -h | tail",
            )


def version_problems(facts: Facts) -> Iterator[Problem]:
    """Ray refuses other versions; vLLM, torch and NCCL hang or crash much later."""
    for package in SAME_EVERYWHERE:
        found = {h.node.name: h.versions.get(package, "missing") for h in facts.hosts if h.versions}
        yield from differing(package, found)
    pythons = {
        host.node.name: ".".join(host.versions["python"].split(".")[:2])
        for host in facts.hosts
        if "python" in host.versions
    }
    yield from differing("python", pythons)


def differing(package: str, found: dict[str, str]) -> Iterator[Problem]:
    if len(set(found.values())) > 1:
        yield Problem(
            f"{package} is not the same everywhere: "
            + ", ".join(f"{name} {version}" for name, version in found.items()),
            "hosts",
            "install one set of versions on all hosts",
        )


def ray_port_problems(config: ClusterConfig, facts: Facts) -> Iterator[Problem]:
    head = facts.head()
    if head is None:
        return
    wanted = {"ray.port": config.ray.port, "ray.dashboard_port": config.ray.dashboard_port}
    for key, port in wanted.items():
        yield from port_problems(config.name, head, port, key)


def port_problems(cluster: str, host: HostFacts, port: int, key: str) -> Iterator[Problem]:
    """A port held by somebody else; what carries this cluster's mark is ours to replace."""
    held = host.listener(port)
    if held and not (held.mark or "").startswith(f"{cluster}/{host.node.name}/"):
        who = f"pid {held.pid} ({held.command})" if held.pid else f"a process of uid {held.uid}"
        stale = "; it looks like another Ray's GCS" if "gcs_server" in held.command else ""
        yield Problem(
            f"port {port} on {held.address} is taken by {who}{stale}",
            host.node.name,
            f"it is not ours and is left alone: end it, or choose another `{key}` in nodes.toml",
        )
