"""nodes.toml and ORCHESTRATE_* become one frozen ClusterConfig; the only reader of both."""

import os
import sys
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from cluster.errors import ConfigError, Problem
from cluster.inventory.address import place_of
from cluster.inventory.contradictions import login_problems, port_problems
from cluster.inventory.cost import CostTable
from cluster.inventory.node import PORT_RANGE, Name, Node, Port, jumps_written, written_out
from cluster.inventory.problems import explain, node_problems, table_problems
from cluster.inventory.toml_file import read_toml

LOCAL = "local"
DEFAULT = "nodes.toml"
PREFIX = "ORCHESTRATE_"
DOTENV = ".env"
HOST_PATTERN = r"^[A-Za-z0-9_.:%-]{1,253}$"  # a name or an address, as it stands in a URL
RAY_LOOPBACK = "127.0.0.2"  # Ray takes 127.0.0.1 for a mistake and listens on the network instead


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClusterTable(Table):
    """[cluster]: what all hosts share."""

    name: Name = Field(
        default="spark", description="Marks everything that belongs to this cluster on the hosts."
    )
    fast_network: Annotated[IPv4Network | None, BeforeValidator(written_out)] = Field(
        default=None,
        description="The fast link's network, as in `192.168.100.0/24`. Every `fast_address` must "
        "lie inside. Default: not checked.",
    )
    fast_gbit: float | None = Field(
        default=None,
        gt=0,
        description="What the fast link should carry, in Gb/s, for `cluster check --bandwidth`. "
        "Default: the speed that the interfaces report.",
    )
    venv: str = Field(
        default="~/vllm-env", description="Virtual environment with ray and vllm on every host."
    )
    cache: str = Field(
        default="~/.cache/huggingface",
        description="Hugging Face home, shared by NFS or holding the same files on every host.",
    )


class SshTable(Table):
    """[ssh]: defaults for every host."""

    user: str | None = Field(default=None, description="SSH user.")
    port: Port | None = Field(default=None, description="SSH port.")
    key_file: str | None = Field(default=None, description="Private key file.")
    proxy_jump: Annotated[str | None, AfterValidator(jumps_written)] = Field(
        default=None,
        description="`user@host:port` to go through, or several with commas between; `none` for "
        "none, whatever ~/.ssh/config says.",
    )
    known_hosts: str | None = Field(
        default=None,
        description="Host keys are checked against it; `orchestrate cluster trust` fills it. "
        "Default: `UserKnownHostsFile` of ~/.ssh/config, else `~/.ssh/known_hosts`.",
    )
    connect_timeout_s: float = Field(
        default=5, gt=0, le=120, description="Limit for reaching a host and logging in, in seconds."
    )


class RayTable(Table):
    """[ray]: the Ray of this cluster."""

    port: Port = Field(default=6379, description="The head's GCS port, on the fast link.")
    dashboard_port: Port = Field(default=8265, description="Dashboard, on the head's loopback.")
    worker_ports: Annotated[str, StringConstraints(pattern=f"^{PORT_RANGE}$")] = Field(
        default="20000-20999",
        description="Ports for Ray's worker processes; clear of Ray's own default 10002-19999, so "
        "that another Ray on the host is not disturbed.",
    )
    object_store_gib: float = Field(
        default=1, ge=0.1, le=1024, description="Ray's object store per host, in GiB."
    )
    start_timeout_s: float = Field(
        default=90, gt=0, le=3600, description="Limit for all hosts to join, in seconds."
    )

    @property
    def worker_port_range(self) -> tuple[int, int]:
        """First and last."""
        first, _, last = self.worker_ports.partition("-")
        return int(first), int(last)


class ServeTable(Table):
    """[serve]: how vLLM listens."""

    host: str = Field(
        default="127.0.0.1",
        pattern=HOST_PATTERN,
        description="Address vLLM listens on. Another than loopback gets an API key, made at first "
        "use and kept on the head in a file of mode 0600.",
    )
    ready_timeout_s: float = Field(
        default=3600, gt=0, description="Limit from launch to the first answer, in seconds."
    )


class ClusterConfig(BaseSettings):
    """The whole inventory, checked; frozen. The environment wins over the file."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_prefix=PREFIX, env_nested_delimiter="__", env_file=DOTENV
    )

    cluster: ClusterTable = Field(default_factory=ClusterTable)
    ssh: SshTable = Field(default_factory=SshTable)
    ray: RayTable = Field(default_factory=RayTable)
    serve: ServeTable = Field(default_factory=ServeTable)
    cost: CostTable = Field(default_factory=CostTable)
    node: tuple[Node, ...] = Field(description="The hosts, one [[node]] table each.")
    source: str = Field(default="nodes.toml", exclude=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, dotenv_settings, init_settings

    @property
    def name(self) -> str:
        return self.cluster.name

    @property
    def is_local(self) -> bool:
        return self.source == LOCAL

    @property
    def head(self) -> Node:
        return next(node for node in self.node if node.is_head)

    @property
    def workers(self) -> tuple[Node, ...]:
        return tuple(node for node in self.node if not node.is_head)


def load(nodes: str | None, *, environ: Mapping[str, str] | None = None) -> ClusterConfig:
    """Read the inventory named by --nodes, ORCHESTRATE_NODES or ./nodes.toml, in this order.

    `local` means this machine alone, without SSH.
    Raises ConfigError with every problem at once.
    """
    env = os.environ if environ is None else environ
    chosen = nodes or env.get(PREFIX + "NODES") or DEFAULT
    raw = local_inventory(env) if chosen == LOCAL else read_toml(Path(chosen))
    return checked(raw, chosen, env)


def has_inventory(nodes: str | None) -> bool:
    """Whether one is named, or lies in the working directory."""
    return bool(nodes or os.environ.get(PREFIX + "NODES") or Path(DEFAULT).exists())


def checked(raw: Mapping[str, Any], source: str, env: Mapping[str, str]) -> ClusterConfig:
    """Validate a parsed inventory. Raises ConfigError with every problem at once."""
    known = set(ClusterConfig.model_fields) - {"source"}
    problems = [*table_problems(raw, source, known)]
    try:  # a key of the file must not become an option of pydantic's: only known ones go in
        config = ClusterConfig(**{key: value for key, value in raw.items() if key in known})
    except ValidationError as error:
        tables = {name: ClusterConfig.model_fields[name].annotation for name in known}
        variables = {**DotEnvSettingsSource(ClusterConfig).env_vars, **env}
        problems += node_problems(raw, source)
        raise ConfigError(*explain(error, source, tables, variables), *problems) from None
    except SettingsError as error:
        hint = f"a variable for each key, as in {PREFIX}RAY__PORT=6380; a whole table must be JSON"
        raise ConfigError(Problem(str(error), "environment", hint), *problems) from None
    # the environment may have changed a table: what counts is the sum
    problems += node_problems(config.model_dump(mode="json", exclude_unset=True), source)
    problems += contradictions(config, source)
    if problems:
        raise ConfigError(*problems)
    nodes = tuple(filled(node, config) for node in config.node)
    return config.model_copy(update={"node": nodes, "source": source})


def contradictions(config: ClusterConfig, source: str) -> Iterator[Problem]:
    ray = config.ray
    yield from port_problems(ray.port, ray.dashboard_port, ray.worker_port_range, source)
    for node in config.node:
        yield from login_problems(node, source)


def filled(node: Node, config: ClusterConfig) -> Node:
    """The node with the defaults of [ssh] and [cluster] in place of what it leaves out; a user and
    a port that stand in its address are its own.
    """
    place = place_of(node.address or node.fast)
    return node.model_copy(
        update={
            "address": place.host,
            "user": node.user or place.user or config.ssh.user,
            "port": node.port or place.port or config.ssh.port,
            "key_file": node.key_file or config.ssh.key_file,
            "proxy_jump": node.proxy_jump or config.ssh.proxy_jump,
            "venv": node.venv or config.cluster.venv,
            "cache": node.cache or config.cluster.cache,
        }
    )


def local_inventory(env: Mapping[str, str]) -> dict[str, Any]:
    """This machine alone; the running virtual environment serves if it holds vLLM."""
    here = any(Path(sys.prefix).glob("lib/python3*/site-packages/vllm"))
    cluster = {"name": LOCAL, "cache": env.get("HF_HOME", "~/.cache/huggingface")}
    if here:
        cluster["venv"] = sys.prefix
    return {
        "cluster": cluster,
        "node": [{"name": LOCAL, "role": "head", "fast_address": RAY_LOOPBACK}],
    }
