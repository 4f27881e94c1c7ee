"""Ray's folder in /tmp: one path for all hosts, short enough for its sockets."""

from cluster.facts.hosts import Facts
from cluster.ray.plan import (
    FOLDER_VARIABLE,
    LONGEST_SOCKET,
    SOCKET_LIMIT,
    plan_start,
    stop_marks,
    temp_folder,
)
from tests.support.factory import config_of, entry, host_facts, service


def test_every_host_has_the_path_of_the_heads_user() -> None:
    """Ray uses it everywhere, whoever our user is there."""
    config = config_of()
    one, two = config.node
    facts = Facts((host_facts(one, user="ada"), host_facts(two, user="bob")), ())
    starts = plan_start(config, facts, "token").starts()
    assert {each.command.env[FOLDER_VARIABLE] for each in starts} == {"/tmp/ray-test-ada"}


def test_what_a_host_says_is_ours_goes_with_ray() -> None:
    config = config_of()
    host = host_facts(
        config.workers[0], user="bob", services=(service("ray-worker"),), folders=("/tmp/ray-x",)
    )
    found = stop_marks(config, host, ("test/h2/ray-worker",)).remove
    assert found == ("/tmp/ray-test-bob", "/tmp/ray-x")
    assert stop_marks(config, host, ("test/h2/vllm-tiny",)).remove == ()


def test_a_long_name_leaves_room_for_a_socket() -> None:
    config = config_of(entry(1), cluster={"name": "a" * 32})
    long, other = (
        temp_folder(config, host_facts(config.head, user=f"{'b' * 32}{end}")) for end in "xy"
    )
    assert len(long + LONGEST_SOCKET) <= SOCKET_LIMIT
    assert long.startswith("/tmp/ray-aaaa")
    assert long != other
