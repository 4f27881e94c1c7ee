"""Arguments against what the installed vLLM accepts, before a launch."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, TypeAdapter

from cluster.errors import ConfigError, HostError, Problem
from cluster.facts.hosts import HostFacts
from cluster.inventory.problems import nearest
from cluster.reporter import Reporter
from cluster.runtimes import Runtime, python_of
from cluster.transport.call import HostProgram, last_answer
from cluster.transport.program import program
from cluster.transport.protocol import Transport
from orchestrator.recipes.layer import Value

ARGUMENTS_LIMIT_S = 180.0


class AcceptedArguments(BaseModel):
    """Options of `vllm serve` with their choices (None: any value), and its parsers' names."""

    model_config = ConfigDict(frozen=True)

    options: Mapping[str, Sequence[str] | None]
    tool_parsers: Sequence[str]
    reasoning_parsers: Sequence[str]


ACCEPTED = HostProgram("orchestrator.host.vllm_arguments", TypeAdapter(AcceptedArguments))


def check_arguments(
    transport: Transport,
    host: HostFacts,
    args: Mapping[str, Value],
    reporter: Reporter,
    runtime: Runtime,
    *,
    keep: bool = True,
) -> None:
    """Raises ConfigError that names every argument vLLM would refuse, and the nearest valid.

    `keep` leaves vLLM's answer on the host, for the next time.
    """
    accepted = ask(transport, host, reporter, runtime, keep=keep)
    problems = list(argument_problems(args, accepted, version_of(host)))
    if problems:
        raise ConfigError(*problems)


def version_of(host: HostFacts) -> str:
    return host.versions.get("vllm", "unknown")


def ask(
    transport: Transport,
    host: HostFacts,
    reporter: Reporter,
    runtime: Runtime,
    *,
    keep: bool = True,
) -> AcceptedArguments:
    """What the host's vLLM accepts; the first time for a version it takes as long as its import."""
    reporter.tell(f"checking the arguments against vLLM {version_of(host)}")
    sent = program(
        ACCEPTED.name,
        {"version": version_of(host), "keep": keep},
        interpreter=python_of(runtime, host),
    )
    result = transport.run(host.node, sent, timeout_s=ARGUMENTS_LIMIT_S)
    version = f"{runtime.executable(host, 'vllm')} --version"
    try:
        return last_answer(host.node, ACCEPTED, result.out)
    except ValueError:
        raise HostError(
            host.node.name,
            f"vLLM {version_of(host)} in {host.venv} does not say which arguments it accepts",
            f"does it start? {transport.paste(host.node, version)}",
            log="\n".join(result.err.splitlines()[-6:]),
        ) from None


def argument_problems(
    args: Mapping[str, Value], accepted: AcceptedArguments, version: str
) -> Iterator[Problem]:
    """One Problem for each argument that would be refused; pure."""
    parsers = {
        "tool_call_parser": accepted.tool_parsers,
        "reasoning_parser": accepted.reasoning_parsers,
    }
    plugins = {
        "tool_parser_plugin": "tool_call_parser",
        "reasoning_parser_plugin": "reasoning_parser",
    }
    for plugin, key in plugins.items():
        if args.get(plugin):  # what it registers, no list of vLLM's has
            del parsers[key]
    for key, value in args.items():
        option = "--" + key.replace("_", "-")
        if option not in accepted.options:
            names = [each[2:].replace("-", "_") for each in accepted.options if each[:2] == "--"]
            yield Problem(
                f"vLLM {version} has no option {option}", f"args.{key}", nearest(key, names)
            )
            continue
        choices = parsers.get(key) or accepted.options[option]
        wrong = choices and not isinstance(value, bool) and str(value) not in choices
        if wrong and choices:
            yield Problem(
                f"vLLM {version} has no {option} `{value}`",
                f"args.{key}",
                nearest(str(value), choices),
            )
