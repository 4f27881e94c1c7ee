"""Who sends what to whom, and what becomes of it when hosts or files fail."""

from typing import Any

from orchestrator.models.sync.chain import Chain, Order
from orchestrator.models.sync.events import Forgot, Gone, Hashed, Lost, Placed
from orchestrator.models.sync.plan import Content, Receiver

WANTED = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def chain_of(*names: str, hashes: tuple[str, ...] = (WANTED,)) -> Chain:
    receivers = {n: Receiver(n, f"10.0.0.{n[1:]}", 7, f"token-{n}", 1, 9) for n in names}
    contents = [Content((f"f{i}",), 1, value, "", f"k{i}") for i, value in enumerate(hashes)]
    return Chain("h1", receivers, contents)


def links(orders: list[Order]) -> list[str]:
    return [f"{name}->{words['next']['name']}" for name, words in orders if "next" in words]


def others(orders: list[Order]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, words) for name, words in orders if "next" not in words]


def test_each_host_passes_on_to_the_next_with_its_token() -> None:
    orders = chain_of("h2", "h3").begin()
    assert links(orders) == ["h1->h2", "h2->h3"]
    assert orders[0][1]["next"] == {
        "name": "h2",
        "address": "10.0.0.2",
        "port": 7,
        "token": "token-h2",
    }


def test_what_is_whole_is_placed_once() -> None:
    chain = chain_of("h2")
    chain.begin()
    assert chain.on("h2", Hashed((0, WANTED))) == [("h2", {"place": None})]
    assert not chain.finished
    assert chain.on("h2", Placed(True)) == []
    assert chain.finished
    assert (chain.failed, chain.placed) == ({}, {"h2"})


def test_without_a_known_hash_the_source_says_it_first() -> None:
    chain = chain_of("h2", hashes=("",))
    assert others(chain.begin()) == [("h1", {"hash": [0]})]
    assert chain.on("h2", Hashed((0, OTHER))) == []
    assert chain.on("h1", Hashed((0, OTHER))) == [("h2", {"place": None})]


def test_a_host_that_dies_is_taken_out_and_its_neighbours_joined() -> None:
    chain = chain_of("h2", "h3", "h4")
    chain.begin()
    assert links(chain.on("h3", Gone("no sign of life"))) == ["h2->h4"]
    assert chain.failed == {"h3": "no sign of life"}
    assert chain.on("h2", Lost("h3", "reset")) == []  # stale: that link is replaced


def test_a_broken_link_gets_the_far_host_a_second_chance_at_the_source() -> None:
    chain = chain_of("h2", "h3", "h4")
    chain.begin()
    orders = chain.on("h2", Lost("h3", "no answer for 30 s"))
    assert links(orders) == ["h1->h3", "h3->h2", "h2->h4"]
    assert chain.failed == {}
    assert links(chain.on("h1", Lost("h3", "no answer"))) == ["h1->h2"]
    assert chain.failed == {"h3": "the link h1 -> h3 broke: no answer"}
    chain.on("h3", Gone("no sign of life"))
    assert chain.failed == {"h3": "no sign of life"}


def test_the_death_of_the_source_fails_all_that_are_not_done() -> None:
    chain = chain_of("h2", "h3")
    chain.begin()
    chain.on("h2", Hashed((0, WANTED)))
    chain.on("h2", Placed(True))
    chain.on("h1", Gone("power"))
    assert chain.finished
    assert chain.failed == {"h3": "the source h1 failed: power"}


def test_what_arrives_damaged_comes_again_once_the_one_before_is_right() -> None:
    chain = chain_of("h2", "h3")
    chain.begin()
    assert chain.on("h3", Hashed((0, OTHER))) == [("h1", {"hash": [0]})]
    assert chain.on("h1", Hashed((0, WANTED))) == []
    assert chain.on("h2", Hashed((0, OTHER))) == [("h2", {"again": [0]})]
    assert links(chain.on("h2", Forgot((0,)))) == ["h1->h2"]
    orders = chain.on("h2", Hashed((0, WANTED)))
    assert orders == [("h2", {"place": None}), ("h3", {"again": [0]})]
    assert links(chain.on("h3", Forgot((0,)))) == ["h2->h3"]
    assert chain.on("h3", Hashed((0, OTHER))) == []
    assert chain.failed == {"h3": "f0 arrived damaged twice"}


def test_a_damaged_source_ends_it_and_names_the_file() -> None:
    chain = chain_of("h2")
    chain.begin()
    assert chain.on("h2", Hashed((0, OTHER))) == [("h1", {"hash": [0]})]
    chain.on("h1", Hashed((0, OTHER)))
    assert chain.finished
    assert chain.damaged == [f"f0 has {OTHER} instead of {WANTED}"]
