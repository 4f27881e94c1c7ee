"""Where nodes come from: so far out of nodes.toml alone."""

from cluster.allocators import ALLOCATORS, allocator_of
from cluster.reporter import SILENT
from tests.support.factory import config_of
from tests.support.scripted import Script

CONFIG = config_of()


def test_the_nodes_are_those_of_the_inventory() -> None:
    allocator, nobody_is_asked = allocator_of(CONFIG), Script()
    assert allocator.acquire(nobody_is_asked, CONFIG, SILENT) == CONFIG.node
    allocator.release(nobody_is_asked, CONFIG)
    assert nobody_is_asked.ran == []


def test_an_allocator_is_found_by_its_name() -> None:
    assert all(name == each.name for name, each in ALLOCATORS.items())
