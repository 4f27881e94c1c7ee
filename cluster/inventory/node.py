"""What the inventory says of one host; immutable, and unaware of what the host is really like."""

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from cluster.inventory.address import place_of, places_of

NAME = r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
PORT_RANGE = r"\d{4,5}-\d{4,5}"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


def written_out(value: object) -> object:
    """A number is an IPv4 address to Python, and never what was meant."""
    if value is None or isinstance(value, str | IPv4Address | IPv4Network):
        return value
    raise ValueError('write it as text, as in "192.168.100.10"')


def place_written(text: str) -> str:
    if text:
        place_of(text)
    return text


def jumps_written(text: str | None) -> str | None:
    if text:
        places_of(text)
    return text


class Node(BaseModel):
    """One host: a [[node]] table of nodes.toml, with the [ssh] and [cluster] defaults filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="How every message calls this host. Unique.")
    role: Literal["head", "worker"] = Field(
        default="worker", description="Exactly one host is the head: it runs Ray's head and vLLM."
    )
    address: Annotated[str, AfterValidator(place_written)] = Field(
        default="",
        description="Where SSH goes: a name, an IP address or a Host of ~/.ssh/config; also as "
        "`user@host:port` or `[IPv6]:port`. Default: `fast_address`.",
    )
    fast_address: Annotated[IPv4Address, BeforeValidator(written_out)] = Field(
        description="The host's IPv4 address on the fast link, inside `cluster.fast_network`. "
        "Ray, NCCL and Gloo use it. Unique."
    )
    user: str | None = Field(
        default=None, description="SSH user. Default: `ssh.user`, else ~/.ssh/config, else you."
    )
    port: Port | None = Field(
        default=None, description="SSH port. Default: `ssh.port`, else ~/.ssh/config, else 22."
    )
    key_file: str | None = Field(
        default=None, description="Private key. Default: `ssh.key_file`, else the agent's keys."
    )
    proxy_jump: Annotated[str | None, AfterValidator(jumps_written)] = Field(
        default=None,
        description="`user@host:port` to go through, or several with commas between; `none` for "
        "none. Default: `ssh.proxy_jump` or ~/.ssh/config.",
    )
    venv: str = Field(
        default="",
        description="Virtual environment with ray and vllm. Default: `cluster.venv`.",
    )
    cache: str = Field(
        default="", description="Hugging Face home (HF_HOME). Default: `cluster.cache`."
    )
    gpus: int | None = Field(
        default=None,
        ge=0,
        le=64,
        description="Accelerators to give to Ray. Default: what nvidia-smi counts.",
    )
    env: dict[str, str] = Field(
        default_factory=dict,
        description="Environment added to every service on this host, over everything computed.",
    )

    @property
    def is_head(self) -> bool:
        return self.role == "head"

    @property
    def fast(self) -> str:
        return str(self.fast_address)
