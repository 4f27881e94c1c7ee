"""The rules that a reader may rely on: the arrow, the few roads to the world, small files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.arrows import FLOOR_OF, circle_in, module_arrows, modules, not_down, room_arrows
from scripts.reference import pages

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path
    for package in ("cluster", "orchestrator", "tests")
    for path in (ROOT / package).rglob("*.py")
)
PRODUCT = [path for path in FILES if path.relative_to(ROOT).parts[0] != "tests"]
ON_HOSTS = ("cluster/host/", "orchestrator/host/")  # programs that run alone, on a host
SSH_FILES = {
    "cluster/transport/ssh_channels.py",
    "cluster/transport/ssh_certificate.py",
    "cluster/transport/ssh_identities.py",
    "cluster/transport/ssh_jumps.py",
    "cluster/transport/ssh.py",
    "cluster/transport/ssh_connect.py",
    "cluster/transport/ssh_errors.py",
    "cluster/transport/ssh_login.py",
}
IMPORTERS = {
    "paramiko": SSH_FILES,
    "subprocess": {
        "cluster/transport/local.py",
        "cluster/transport/ssh_proxy.py",
        "cluster/transport/ssh_options.py",
    },
    "tenacity": {"cluster/execution/retry.py"},
    "httpcore": {"cluster/transport/http.py"},
    "aiohttp": {"orchestrator/api/send.py"},
    "httpx_aiohttp": {"orchestrator/api/send.py"},
    "jsonschema": {"orchestrator/api/schema.py"},
}
GENERATED = pages()
# Names that stand in several modules and mean the same in each.
ONE_MEANING = {
    "main",  # where the command line, and each program for a host, begins
}
FILE_LINES, FUNCTION_LINES, PARAMETERS = 250, 40, 6


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def test_the_arrow_never_points_back() -> None:
    back = [place(path) for path in FILES if place(path).startswith("cluster/")]
    assert back
    assert not [name for name in back if "orchestrator" in tops(ROOT / name)]


def test_no_import_circle_between_modules() -> None:
    arrows = module_arrows(modules())
    for name in arrows:  # a package that says what its modules share is imported by none of them
        arrows[name].discard(name.rpartition(".")[0])
    assert not circle_in(arrows)


def test_every_room_has_a_floor_and_every_floor_its_rooms() -> None:
    assert set(room_arrows(modules())) == set(FLOOR_OF), "give it a floor in scripts/arrows.py"


def test_no_import_circle_between_rooms_and_no_import_that_runs_up() -> None:
    arrows = room_arrows(modules())
    assert not circle_in(arrows)
    assert not not_down(arrows), "scripts/arrows shows who imports whom"


def test_a_top_level_name_of_orchestrator_means_one_thing() -> None:
    places: dict[str, list[str]] = {}
    for path in PRODUCT:
        if place(path).startswith("orchestrator/"):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    places.setdefault(node.name, []).append(place(path))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert not {name: found for name, found in twice.items() if name not in ONE_MEANING}


def test_nothing_lies_flat_in_orchestrator_but_the_tree_of_verbs_and_the_client() -> None:
    flat = {path.name for path in (ROOT / "orchestrator").glob("*.py")}
    assert flat == {"__init__.py", "main.py", "client.py"}


def test_the_tests_mirror_the_rooms() -> None:
    """A test lies in the folder of what it tests; what several tests share lies in support/."""
    for package in ("cluster", "orchestrator"):
        folders = {path.parent for path in (ROOT / "tests" / package).rglob("test_*.py")}
        places = {folder.relative_to(ROOT / "tests") for folder in folders}
        assert not [place for place in places if not (ROOT / place).is_dir()]


def test_the_product_knows_nothing_of_its_tests() -> None:
    assert not [place(path) for path in PRODUCT if "tests" in tops(path)]


@pytest.mark.parametrize("module", sorted(IMPORTERS))
def test_few_files_reach_the_world(module: str) -> None:
    here = {place(path) for path in PRODUCT if not place(path).startswith(ON_HOSTS)}
    assert {name for name in here if module in tops(ROOT / name)} <= IMPORTERS[module]


def test_what_runs_on_a_host_needs_no_package_of_ours_but_its_neighbours() -> None:
    programs = [path for path in PRODUCT if place(path).startswith(ON_HOSTS)]
    for path in programs:
        package = place(path.parent).replace("/", ".")
        ours = {name for name in imports(path) if name.startswith(("cluster", "orchestrator"))}
        assert not {n for n in ours if not n.startswith((package, "cluster.host"))}, path


def test_files_are_short() -> None:
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert not {n: c for n, c in lengths.items() if c > FILE_LINES}


def test_functions_are_short_and_have_few_parameters() -> None:
    found = []
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                names = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
                own = [each for each in names if each.arg not in ("self", "cls")]
                typer = path.name.endswith("cli.py")  # a parameter there is an option
                if lines > FUNCTION_LINES or (len(own) > PARAMETERS and not typer):
                    found.append(f"{place(path)}:{node.lineno} {node.name}")
    assert not found


def assigned(path: Path) -> set[str]:
    """Names at the top of a module that get a value there."""
    found = ast.parse(path.read_text("utf-8")).body
    targets = [each for node in found if isinstance(node, ast.Assign) for each in node.targets]
    return {name.id for each in targets for name in ast.walk(each) if isinstance(name, ast.Name)}


def test_sizes_are_defined_once() -> None:
    here = [path for path in PRODUCT if not place(path).startswith(ON_HOSTS)]
    units = {"KIB", "MIB", "GIB", "TIB", "KB", "MB", "GB", "TB"}
    assert {place(path) for path in here if units & assigned(path)} == {"cluster/units.py"}


def test_no_module_is_named_after_nothing() -> None:
    vague = {"utils", "helpers", "common", "manager", "base", "misc"}
    assert not [place(path) for path in FILES if path.stem in vague]


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_the_generated_pages_are_fresh(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == GENERATED[name], "run scripts/docs"


def test_a_verb_logs_in_once() -> None:
    """What needs a host again takes the transport that its verb has opened."""
    opening = [p for p in PRODUCT if "open_transport(" in p.read_text("utf-8")]
    assert {place(path) for path in opening} == {
        "cluster/transport/open.py",
        "orchestrator/api/target.py",
        "orchestrator/cli/options.py",
    }
