"""recipe + placement -> the vLLM service; pure."""

import json
from collections.abc import Iterable, Iterator, Mapping

from cluster.inventory.config import ClusterConfig
from cluster.ray.environment import PER_HOST_VARIABLES, network_environment
from cluster.ray.plan import service_folder
from cluster.ray.token import asks_for_token, token_environment
from cluster.runtimes import runtime_of, started_in
from cluster.runtimes.service import Needs, Service
from cluster.transport.command import Command
from cluster.transport.program import source_of
from orchestrator.capacity.placement import Placement, shares
from orchestrator.models.revision import commit_of
from orchestrator.recipes.layer import Value
from orchestrator.recipes.recipe import Recipe
from orchestrator.serving.endpoint import Endpoint

PREFIX = "vllm-"
GUARD = "orchestrate_vllm_guard"  # modules in the service's folder
TOOL_PARSER = "orchestrate_vllm_tool_parser"
EITHER_FORM = "qwen3_xml"  # the parser in whose place ours stands: see tool_parser.py
PLUGIN = "tool_parser_plugin"
CARRY_FILE = "ray_non_carry_over_env_vars.json"
# what must not travel from the driver to other hosts: what differs there, and secrets
NOT_CARRIED = sorted(
    {*PER_HOST_VARIABLES, "VLLM_CONFIG_ROOT", "VLLM_API_KEY", "PYTHONPATH", "HF_TOKEN"}
)
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",  # the files were checked; a hub that is down must not stop a restart
    "VLLM_NO_USAGE_STATS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONUNBUFFERED": "1",
    "GRPC_DNS_RESOLVER": "native",
    "RAY_DEDUP_LOGS": "0",  # the other hosts' progress must reach this log line by line
    "SPT_NOENV": "1",  # keeps process titles from overwriting the environment, and our mark in it
}


def vllm_service(
    config: ClusterConfig, recipe: Recipe, placement: Placement, path: str, key: str = ""
) -> Service:
    """vLLM on the first host of the placement. `path` is the model's folder on every host."""
    host = placement.hosts[0]
    name = PREFIX + recipe.name
    env = {**own_environment(config, placement, name), **network_environment(host)}
    folder = service_folder(config, host, name)
    if key:
        env |= {"VLLM_API_KEY": key, "PYTHONPATH": folder}
    own = own_modules(recipe, key)
    runtime = runtime_of(config)
    vllm = runtime.executable(host, "vllm")
    service = Service(
        cluster=config.name,
        name=name,
        node=host.node,
        command=Command(
            (vllm, "serve", path, *vllm_argv(config, recipe, placement), *own_argv(own, folder)),
            {**env, **recipe.env, **host.node.env},
        ),
        files=own_files(own, placement),
        labels=Endpoint(
            host=config.serve.host,
            port=recipe.port,
            served_name=recipe.served_name,
            recipe=recipe.name,
            model=recipe.model,
            revision=recipe.revision,
            commit=commit_of(path),
            split=str(placement),
            gpus={
                each.node.name: n
                for each, n in zip(placement.hosts, shares(placement), strict=True)
            },
        ).labels(),
        needs=Needs(paths=(host.cache.path,), gpus=True, shared_memory=True),
        defaults=ENVIRONMENT,
    )
    return started_in(runtime, service)


def needs_own_parser(args: Mapping[str, Value]) -> bool:
    """Whether vLLM is given our parser; a recipe with a plugin of its own keeps that."""
    return args.get("tool_call_parser") == EITHER_FORM and not args.get(PLUGIN)


def own_modules(recipe: Recipe, key: str) -> dict[str, str]:
    """Programs of ours that vLLM imports, by the name that they have in the service's folder."""
    guard = {GUARD: "orchestrator.host.vllm_guard"} if key else {}
    parser = {TOOL_PARSER: "orchestrator.host.vllm_tool_parser"}
    return guard | (parser if needs_own_parser(recipe.args) else {})


def own_files(modules: Mapping[str, str], placement: Placement) -> dict[str, str]:
    """What lies in the service's folder, by name."""
    carry = {CARRY_FILE: json.dumps(NOT_CARRIED)} if placement.needs_ray else {}
    return carry | {f"{module}.py": source_of(program) for module, program in modules.items()}


def own_argv(modules: Iterable[str], folder: str) -> Iterator[str]:
    """vLLM asks for the key under /v1 alone; a completion can be had elsewhere, too."""
    if GUARD in modules:
        yield from ("--middleware", f"{GUARD}.Guard")
    if TOOL_PARSER in modules:
        yield from ("--tool-parser-plugin", f"{folder}/{TOOL_PARSER}.py")


def own_environment(config: ClusterConfig, placement: Placement, service: str) -> dict[str, str]:
    """What every model gets, whatever its recipe says."""
    if not placement.needs_ray:
        return dict(ENVIRONMENT)
    first = placement.hosts[0]
    return {
        **ENVIRONMENT,
        **(token_environment(config, first) if asks_for_token(first) else {}),
        "RAY_ADDRESS": f"{config.head.fast}:{config.ray.port}",
        # vLLM copies the driver's variables to every host but for those named in a file there
        "VLLM_CONFIG_ROOT": service_folder(config, first, service),
    }


def vllm_argv(config: ClusterConfig, recipe: Recipe, placement: Placement) -> Iterator[str]:
    yield from ("--served-model-name", recipe.served_name)
    yield from ("--host", config.serve.host, "--port", str(recipe.port))
    for key, value in final_arguments(recipe, placement).items():
        yield from option_words(key, value)


def final_arguments(recipe: Recipe, placement: Placement) -> dict[str, Value]:
    """The recipe's arguments with the split that was chosen."""
    return dict(sorted({**recipe.args, **chosen_arguments(recipe, placement)}.items()))


def chosen_arguments(recipe: Recipe, placement: Placement) -> dict[str, Value]:
    """What the placement adds to the recipe's arguments, or changes in them."""
    args: dict[str, Value] = {"tensor_parallel_size": placement.tensor}
    if placement.pipeline > 1:
        args["pipeline_parallel_size"] = placement.pipeline
    if placement.needs_ray:
        backend = recipe.args.get("distributed_executor_backend", "ray")
        args["distributed_executor_backend"] = backend
    if placement.data > 1 and placement.needs_ray:
        args["data_parallel_backend"] = recipe.args.get("data_parallel_backend", "ray")
    return {key: value for key, value in args.items() if recipe.args.get(key) != value}


def option_words(key: str, value: Value) -> Iterator[str]:
    """One argument as words: true is the bare flag, false its --no- form, tables are JSON."""
    name = key.replace("_", "-")
    yield f"--no-{name}" if value is False else f"--{name}"
    if isinstance(value, Mapping):
        yield json.dumps(value)
    elif isinstance(value, list):
        yield from map(str, value)
    elif not isinstance(value, bool):
        yield str(value)
