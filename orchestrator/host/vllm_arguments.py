"""What `vllm serve` of this virtual environment accepts; asked once per version, then cached.

Runs in the host's virtual environment. Input: {"version", "keep": whether to cache the answer}.
Output: {"options": {name: [choices] or null}, "tool_parsers", "reasoning_parsers"}.
"""

from __future__ import annotations

import ast
import json
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cluster.host import services

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orchestrate"
MAKERS = (  # newer and older places of the same function
    ("vllm.entrypoints.launchers.cli_args", "make_arg_parser"),
    ("vllm.entrypoints.openai.cli_args", "make_arg_parser"),
)
PARSERS = (
    ("vllm.utils.argparse_utils", "FlexibleArgumentParser"),
    ("vllm.utils", "FlexibleArgumentParser"),
)


def main(request: dict[str, Any]) -> None:
    file = CACHE / f"vllm-arguments-{request['version']}.json"
    try:
        text = file.read_text()
        json.loads(text)
    except (OSError, ValueError):
        text = json.dumps(quietly_asked())
        if request["keep"]:
            keep(text, file)
    print(text, flush=True)
    os._exit(0)  # what torch does at exit takes a second and says nothing


def keep(text: str, file: Path) -> None:
    services.private_folder(file.parent, own=file.parent)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")  # hosts may share this home
    services.write_private(fresh, text)
    os.replace(str(fresh), str(file))


def quietly_asked() -> dict[str, Any]:
    """vLLM prints while it is imported: that goes to standard error."""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    real, out = os.dup(1), 1
    os.dup2(2, out)
    try:
        return asked()
    finally:
        os.dup2(real, out)


def asked() -> dict[str, Any]:
    parser = first(MAKERS)(first(PARSERS)(prog="vllm serve"))
    options: dict[str, Any] = {}
    for action in parser._actions:
        choices = None if action.choices is None else [str(each) for each in action.choices]
        options.update((name, choices) for name in action.option_strings)
    spec = find_spec("vllm")
    root = Path(spec.origin or "").parent if spec else Path()
    return {
        "options": options,
        "tool_parsers": registered(root, "tool_parsers", "entrypoints/openai/tool_parsers"),
        "reasoning_parsers": registered(root, "reasoning"),
    }


def first(places: tuple[tuple[str, str], ...]) -> Any:
    problem: Exception = ImportError("no place given")
    for module, name in places:
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            problem = error
    raise problem


def registered(root: Path, *folders: str) -> list[str]:
    """The names in a package's registration table, read from its source: nothing is imported."""
    for folder in folders:
        file = root / folder / "__init__.py"
        for node in ast.parse(file.read_text()).body if file.exists() else ():
            value, targets = getattr(node, "value", None), getattr(node, "targets", [])
            target = getattr(node, "target", targets[0] if targets else None)
            if isinstance(value, ast.Dict) and getattr(target, "id", "").endswith("_TO_REGISTER"):
                keys = [key.value for key in value.keys if isinstance(key, ast.Constant)]
                return sorted(str(key) for key in keys)
    return []
