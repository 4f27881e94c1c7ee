"""A program of cluster.host as something that runs on a host: its words and its standard input."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cluster.transport.command import Command

# argv stays short and free of data: the code and the request travel on standard input
BOOT = "import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"
OLDEST_PYTHON = (3, 9)
PROGRAM_DIED = "program_died"  # the only key of its last words
LOADER = """
import json, sys, types
def fail(text):
    print(json.dumps({DIED: text}), flush=True)
    sys.exit(1)
if sys.version_info < OLDEST:
    fail("python3 is %d.%d there, and %d.%d or newer is needed" % (sys.version_info[:2] + OLDEST))
def load(name, source):
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)
    parent, _, leaf = name.rpartition(".")
    if parent: setattr(sys.modules[parent], leaf, module)
    return module
for name, source in SOURCES: module = load(name, source)
try: module.main(json.loads(sys.stdin.buffer.readline()))
except OSError as error:
    if error.strerror is None: raise
    fail("%s: %s" % (error.filename or module.__name__, error.strerror))
"""


@dataclass(frozen=True)
class Program:
    """Words to run on the host and what to write to their standard input; bytes, UTF-8."""

    command: Command
    stdin: bytes

    @property
    def name(self) -> str:
        """As cluster.host.probe."""
        return self.command.argv[-1].removeprefix("orchestrate-")


def program(
    name: str,
    request: Any,
    *,
    interpreter: tuple[str, ...] = ("python3",),
    mark: str = "",
    beside: str = "",
) -> Program:
    """The program `name`, as in cluster.host.probe, with its request.

    `mark` is inherited by all that the program starts; `beside` is another program that it runs.
    """
    code = loader(*filter(None, (beside, name)))
    stdin = b"%d\n%s%s\n" % (len(code), code, json.dumps(request).encode())
    env = {"ORCHESTRATE_SERVICE": mark} if mark else {}
    return Program(Command((*interpreter, "-c", BOOT, f"orchestrate-{name}"), env), stdin)


def guarded(name: str, request: Any, limit_s: float) -> Program:
    """The program in a child with a deadline: for whatever touches a file system that may hang."""
    sent = {"name": name, "request": request, "limit_s": limit_s}
    return program("cluster.host.guarded", sent, beside=name)


def source_of(module: str) -> str:
    package, _, leaf = module.rpartition(".")
    return (files(package) / f"{leaf}.py").read_text("utf-8")


IMPORT = re.compile(r"^from (\w+\.host) import (\([^)]*\)|.+)$", re.MULTILINE)
MODULE = re.compile(r"^from (\w+\.host\.\w+) import", re.MULTILINE)


def needed(module: str) -> list[str]:
    """Modules for hosts that one imports, each after those that it imports itself."""
    text = source_of(module)
    imported = [
        f"{package}.{leaf}"
        for package, names in IMPORT.findall(text)
        for leaf in re.findall(r"\w+", names)
    ]
    found = [each for name in [*imported, *MODULE.findall(text)] for each in [*needed(name), name]]
    return list(dict.fromkeys(found))


@cache
def loader(*names: str) -> bytes:
    """Programs with all that they need, in the order in which they load; the last one runs."""
    sources: dict[str, str] = {"cluster": "", "cluster.host": ""}
    for module in (each for name in names for each in (*needed(name), name)):
        package = module.rpartition(".")[0]
        sources |= {package.partition(".")[0]: "", package: "", module: source_of(module)}
    head = f"OLDEST, DIED = {OLDEST_PYTHON}, {PROGRAM_DIED!r}"
    return f"{head}\nSOURCES = {list(sources.items())!r}\n{LOADER}".encode()
