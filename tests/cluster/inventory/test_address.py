"""Where SSH goes, as people write it."""

import pytest

from cluster.errors import ConfigError
from cluster.inventory.address import Place, place_of, places_of
from tests.support.factory import config_of, entry


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("spark-1", Place("spark-1")),
        ("root@spark-1", Place("spark-1", "root")),
        ("a@b@spark-1:23", Place("spark-1", "a@b", 23)),
        ("spark-1:2222", Place("spark-1", None, 2222)),
        ("fd77::2", Place("fd77::2")),
        ("fe80::1%eth0", Place("fe80::1%eth0")),
        ("[fd77::2]", Place("fd77::2")),
        ("ada@[fd77::2]:23", Place("fd77::2", "ada", 23)),
        ("ssh://ada@spark-1:23", Place("spark-1", "ada", 23)),
    ],
)
def test_a_place(text: str, place: Place) -> None:
    assert place_of(text) == place
    assert place_of(str(place)) == place


@pytest.mark.parametrize(
    "text", ["", "@h", "h:", "h:0", "h:70000", "a b", "-oProxyCommand=x", "[h"]
)
def test_no_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it as|a port is"):
        place_of(text)


def test_places_of_a_jump() -> None:
    assert places_of("a,ada@b:23") == (Place("a"), Place("b", "ada", 23))
    assert places_of("none") == ()


def test_a_node_has_the_user_and_the_port_of_its_address() -> None:
    config = config_of(
        entry(1, address="root@h1:23"),
        entry(2, address="[fd77::2]", port=24),
        entry(3, address="h3"),
        ssh={"user": "ada", "port": 22},
    )
    found = [(node.user, node.address, node.port) for node in config.node]
    assert found == [("root", "h1", 23), ("ada", "fd77::2", 24), ("ada", "h3", 22)]


def test_what_is_no_place_is_a_mistake_of_nodes_toml() -> None:
    with pytest.raises(ConfigError, match=r"number 1, address: .*write it as `host`"):
        config_of(entry(1, address="a b"))
    with pytest.raises(ConfigError, match=r"\[ssh\], proxy_jump"):
        config_of(ssh={"proxy_jump": "a,,b"})
    with pytest.raises(ConfigError, match="user is given twice"):
        config_of(entry(1, address="root@h1", user="ada"))
