"""(config, facts) -> the plan that brings Ray up or down; pure."""

import hashlib
from collections.abc import Collection, Iterator

from cluster.execution.plan import Plan, Stage, Start, Stop
from cluster.facts.hosts import HEAD, RAY_SERVICES, WORKER, Facts, HostFacts, RunningService
from cluster.inventory.config import ClusterConfig
from cluster.ray.environment import network_environment
from cluster.ray.token import asks_for_token, token_environment, token_step
from cluster.runtimes import runtime_of, started_in
from cluster.runtimes.service import Needs, Service, mark_of, node_mark
from cluster.transport.command import Command
from cluster.transport.program import source_of
from cluster.units import GIB

SCRIPT = "ray_start.py"
RAY_ITSELF = {"raylet", "gcs_server"}
FOLDER_VARIABLE = "ORCHESTRATE_RAY_FOLDER"
FOLDERS = "/tmp/ray-"
LONGEST_SOCKET = "/ray/session_2026-11-25_23-59-59_123456_4194304/sockets/plasma_store"  # Ray 2.60
SOCKET_LIMIT = 107  # characters of an AF_UNIX path on Linux
HEAD_SHARE = 0.5  # of the whole limit: how long a worker looks for the head
RAY_ENVIRONMENT = {
    # Ray's own prestarted workers cost one Python start per core, and vLLM never uses them
    "RAY_num_prestart_python_workers": "0",
    "RAY_prestart_worker_first_driver": "0",
    # on unified memory the monitor takes the page cache for a leak and kills the model
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    # gRPC's own resolver hangs where DNS does not answer, even for names in /etc/hosts
    "GRPC_DNS_RESOLVER": "native",
    # a TERM would wait 30 s for actors that teardown has ended already, or that hang
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    # vLLM's progress must reach the log line by line
    "RAY_DEDUP_LOGS": "0",
    # keeps process titles from overwriting the environment, and our mark in it
    "SPT_NOENV": "1",
    "PYTHONUNBUFFERED": "1",
}


def plan_start(config: ClusterConfig, facts: Facts, token: str) -> Plan:
    """What is missing, and no more: empty when all hosts have joined.

    A worker joins a head that asks for no token as that head is.
    """
    wanted = hosts_to_start(config, facts)
    stops = tuple(
        stop_marks(config, host, (node_mark(config.name, host.node),))
        for host in wanted
        if host.services
    )
    head = facts.head()
    secured = head is None or head in wanted or asks_for_token(head)
    tokens = tuple(token_step(config, host, token) for host in wanted if secured)
    starts = tuple(
        Start(ray_service(config, host, secured=secured, folder=temp_folder(config, head or host)))
        for host in wanted
    )
    return Plan(
        f"start Ray of cluster {config.name}",
        (
            Stage("clear what is left", stops),
            Stage("write Ray's token", tokens),
            Stage("start Ray", starts),
        ),
    )


def hosts_to_start(config: ClusterConfig, facts: Facts) -> tuple[HostFacts, ...]:
    """All where the head is down, else the workers that are lost."""
    whole = not head_is_up(config, facts)
    return tuple(host for host in facts.hosts if whole or is_lost(config, facts, host))


def head_is_up(config: ClusterConfig, facts: Facts) -> bool:
    """Our head runs, and answers or is still young enough to be starting."""
    host = facts.head()
    service = host.service(HEAD) if host else None
    if host is None or service is None or not service.alive or stands_still(service):
        return False
    listener = host.listener(config.ray.port)
    ours = listener is not None and (listener.mark or "").endswith(f"/{HEAD}")
    return ours or (service.age_s or 0) < config.ray.start_timeout_s


def is_lost(config: ClusterConfig, facts: Facts, host: HostFacts) -> bool:
    """A worker that Ray does not count, or that has no service, or whose Ray stands still: Ray
    itself counts that one for over a minute yet.
    """
    if host.node.is_head:
        return False
    service = host.service(WORKER)
    if service is None or not service.alive or stands_still(service):
        return True
    head = facts.head()
    if head is None or head.ray_nodes is None or host.node.fast in facts.ray_alive():
        return False
    return (service.age_s or 0) > config.ray.start_timeout_s


def stands_still(service: RunningService) -> bool:
    """Whether a signal has stopped Ray itself; a process of a model says nothing of Ray."""
    return bool(RAY_ITSELF & set(service.stopped))


def ray_service(config: ClusterConfig, host: HostFacts, *, secured: bool, folder: str) -> Service:
    node = host.node
    env = ray_environment(config, host, secured=secured, folder=folder)
    if not node.is_head:
        env["ORCHESTRATE_HEAD_LIMIT_S"] = f"{config.ray.start_timeout_s * HEAD_SHARE:g}"
    service = Service(
        cluster=config.name,
        name=HEAD if node.is_head else WORKER,
        node=node,
        command=Command(tuple(ray_argv(config, host, folder)), env),
        files={SCRIPT: source_of("cluster.host.ray_start")},
        needs=Needs(paths=(folder,), gpus=True, shared_memory=True),
        defaults=RAY_ENVIRONMENT,
    )
    return started_in(runtime_of(config), service)


def ray_argv(config: ClusterConfig, host: HostFacts, temp: str) -> Iterator[str]:
    ray = config.ray
    folder = service_folder(config, host, HEAD if host.node.is_head else WORKER)
    yield from (runtime_of(config).executable(host, "python"), f"{folder}/{SCRIPT}")
    yield from ("start", "--block", "--disable-usage-stats")
    if host.node.is_head:
        yield from ("--head", f"--port={ray.port}", f"--temp-dir={temp}/ray")
        yield "--no-monitor"  # the autoscaler: it has nothing to scale
        yield from ("--dashboard-host=127.0.0.1", f"--dashboard-port={ray.dashboard_port}")
    else:
        yield f"--address={config.head.fast}:{ray.port}"
    first, last = ray.worker_port_range
    yield f"--node-ip-address={host.node.fast}"
    yield f"--num-gpus={host.gpu_count}"
    yield f"--object-store-memory={int(ray.object_store_gib * GIB)}"
    yield from (f"--min-worker-port={first}", f"--max-worker-port={last}")


def service_folder(config: ClusterConfig, host: HostFacts, service: str) -> str:
    return f"{host.home}/.orchestrate/{mark_of(config.name, host.node, service)}"


def ray_environment(
    config: ClusterConfig, host: HostFacts, *, secured: bool, folder: str
) -> dict[str, str]:
    token = token_environment(config, host) if secured else {}
    own = {FOLDER_VARIABLE: folder}
    return {**own, **token, **RAY_ENVIRONMENT, **network_environment(host), **host.node.env}


def temp_folder(config: ClusterConfig, head: HostFacts) -> str:
    """Of our own: /tmp/ray belongs to whoever runs `ray start` by hand on that host. Ray opens what
    it makes below it to everybody, so this folder itself is closed: see host/ray_start.py. Ray uses
    the head's path on every host, whoever our user is there. A long name is cut: the path of a
    socket may have 107 characters.
    """
    name = f"{config.name}-{head.user}"
    if len(FOLDERS + name + LONGEST_SOCKET) > SOCKET_LIMIT:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: SOCKET_LIMIT - len(FOLDERS + LONGEST_SOCKET) - 9]}-{digest}"
    return f"{FOLDERS}{name}"


def folders_of(config: ClusterConfig, host: HostFacts) -> tuple[str, ...]:
    """All that Ray of this cluster may have left there: what the host says is ours, and the usual
    one.
    """
    return tuple(dict.fromkeys((temp_folder(config, host), *host.folders)))


def stop_marks(
    config: ClusterConfig, host: HostFacts, marks: Collection[str], grace_s: float = Stop.grace_s
) -> Stop:
    """Stop what carries these marks on a host; Ray's folder goes with Ray."""
    whole = node_mark(config.name, host.node)
    ray = [mark for mark in marks if mark == whole or mark.rpartition("/")[2] in RAY_SERVICES]
    remove = folders_of(config, host) if ray else ()
    return Stop(host.node, tuple(marks), remove=remove, grace_s=grace_s)
