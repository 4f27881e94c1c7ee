"""One file by HTTP: what is asked for again, what is given up, and who sees the token."""

import hashlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from cluster.host.fetch import Failed, Sink, Source, fetch
from tests.hub.faults import ALWAYS, Fault, Hold
from tests.hub.repository import Repository
from tests.hub.server import Hub

DATA = bytes(range(256)) * 4000
PATH = "org/model/resolve/main/model.safetensors"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub.up() as up:
        up.tokens.add("hf_good")
        up.add(Repository("org/model").commit({"model.safetensors": DATA}))
        yield up


def fetched(
    hub: Hub, folder: Path, *, token: str = "", there: bytes = b"", limit_s: float = 10
) -> list[str]:
    """Why it waited; the file is whole and right."""
    waits: list[str] = []
    path = folder / "part"
    path.write_bytes(there)
    with FileIO(path, "r+") as file:
        file.seek(0, 2)
        counted: list[int] = []
        digest = hashlib.sha256(there)
        sink = Sink(file, digest, counted.append, lambda why, _: waits.append(why))
        fetch(Source(hub.url, token, limit_s, 0.01), PATH, len(DATA), sink)
    assert path.read_bytes() == DATA
    assert digest.hexdigest() == hashlib.sha256(DATA).hexdigest()
    assert sum(counted) == len(DATA) - len(there)
    return waits


def given_up(hub: Hub, folder: Path, token: str = "", limit_s: float = 10) -> dict[str, object]:
    with pytest.raises(Failed) as caught:
        fetched(hub, folder, token=token, limit_s=limit_s)
    return caught.value.said


def test_only_the_rest_travels(hub: Hub, tmp_path: Path) -> None:
    assert fetched(hub, tmp_path, there=DATA[:1000]) == []
    assert hub.bytes_sent == len(DATA) - 1000


def test_a_connection_that_drops_costs_no_byte_twice(hub: Hub, tmp_path: Path) -> None:
    hub.fault(Fault("/cdn/*", after=100_000, drop=True))
    assert fetched(hub, tmp_path) == ["the connection broke"]
    assert hub.bytes_sent == len(DATA)


def test_a_server_without_ranges(hub: Hub, tmp_path: Path) -> None:
    hub.takes_ranges = False
    fetched(hub, tmp_path, there=DATA[:1000])


def test_silence_is_given_up_after_a_few_tries(hub: Hub, tmp_path: Path) -> None:
    hub.fault(Fault("/cdn/*", ALWAYS, hold=Hold()))
    assert given_up(hub, tmp_path, limit_s=0.3) == {"failed": "hub", "why": "no byte in time"}
    assert len([each for each in hub.asked if each.cdn]) == 4


def test_a_byte_makes_it_try_on(hub: Hub, tmp_path: Path) -> None:
    for _ in range(6):
        hub.fault(Fault("/cdn/*", after=1000, drop=True))
    assert len(fetched(hub, tmp_path)) == 6


def test_nobody_listens(tmp_path: Path) -> None:
    with Hub.up() as hub:
        pass
    assert "Connection refused" in str(given_up(hub, tmp_path)["why"])


def test_a_pause_that_is_too_long_is_not_waited(hub: Hub, tmp_path: Path) -> None:
    hub.fault(Fault("*/resolve/*", status=429, headers={"Retry-After": "0"}))
    assert fetched(hub, tmp_path) == ["too many requests (429)"]
    hub.fault(Fault("*/resolve/*", status=429, headers={"Retry-After": "3600"}))
    assert given_up(hub, tmp_path)["why"] == "too many requests (429)"


@pytest.mark.parametrize("fault", [Fault("*/resolve/*", status=502), Fault("/cdn/*", status=403)])
def test_what_may_pass_is_asked_again(hub: Hub, tmp_path: Path, fault: Fault) -> None:
    """A CDN's 403 is an address that has expired: the hub gives another."""
    hub.fault(fault)
    assert fetched(hub, tmp_path) == [f"error {fault.status}"]


@pytest.mark.parametrize(("token", "status"), [("", 401), ("hf_other", 401)])
def test_what_the_hub_refuses_is_not_asked_again(
    hub: Hub, tmp_path: Path, token: str, status: int
) -> None:
    hub.repositories["org/model"].gated = True
    said = given_up(hub, tmp_path, token)
    assert (said["failed"], said["status"]) == ("refused", status)
    assert len(hub.asked) == 1


def test_the_token_never_goes_to_the_cdn(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/model"].gated = True
    fetched(hub, tmp_path, token="hf_good")
    assert {each.authorization for each in hub.asked if each.cdn} == {""}
    assert {each.authorization for each in hub.asked if not each.cdn} == {"Bearer hf_good"}


def test_a_full_disk_is_no_fault_of_the_network() -> None:
    with FileIO("/dev/full", "r+") as file:
        sink = Sink(file, hashlib.sha256(), lambda _: None, lambda *_: None)
        with pytest.raises(Failed) as caught:
            sink.keep(DATA)
    assert caught.value.said["failed"] == "full"
