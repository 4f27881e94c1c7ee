"""What the hub says of a model, and what its errors mean to a person."""

from collections.abc import Iterator

import httpx2
import pytest
from huggingface_hub import errors

from cluster.errors import OrchestrateError
from orchestrator.models.hub.ask import HubAccess, ask_hub, pause_after
from orchestrator.models.hub.errors import hub_error, hub_error_reason
from orchestrator.models.hub.sizes import read_sizes
from tests.hub.faults import ALWAYS, Fault
from tests.hub.repository import Repository
from tests.hub.server import Hub
from tests.support.reporter import Recorder

NAME = "org/model"
FILES = {"config.json": b"{}", "a/model.safetensors": b"weights" * 1000}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub.up() as up:
        up.tokens.add("hf_good")
        up.strangers.add("hf_stranger")
        up.add(Repository(NAME).commit(FILES))
        yield up


def ask(hub: Hub, token: str | None = None, *, model: str = NAME, revision: str = "main") -> str:
    """What it says while it asks, then commit and files in one text; or the error."""
    said: list[str] = []
    try:
        found = ask_hub(HubAccess(hub.url, token), model, revision, Recorder(said))
    except OrchestrateError as error:
        return "\n".join([*said, str(error)])
    return "\n".join([*said, found.commit, *(f"{f.path} {f.size} {f.hash}" for f in found.files)])


def test_a_revision_becomes_a_commit_with_every_size_and_hash(hub: Hub) -> None:
    made = hub.repositories[NAME]
    large, small = (
        made.commits[made.head][path] for path in ("a/model.safetensors", "config.json")
    )
    expected = (
        f"{made.head}\na/model.safetensors 7000 sha256:{large.sha256}\n"
        f"config.json 2 git-sha1:{small.git_sha1}"
    )
    assert ask(hub) == ask(hub, revision=made.head) == expected
    made.tags["v1"] = made.head
    made.commit({"config.json": b"[]"})
    assert ask(hub, revision="v1") == expected
    assert ask(hub) != expected


@pytest.mark.parametrize(
    ("token", "model", "message"),
    [
        (None, "org/none", "org/none: the hub has no model org/none, or it is private"),
        (None, "org/none", "private: set HF_TOKEN"),
        ("hf_good", "org/none", "the hub has no model org/none, or it is private"),
        ("hf_wrong", NAME, "the hub refuses the token\n  hint: HF_TOKEN is wrong or expired"),
        (None, "org/secret", "the hub has no model org/secret, or it is private"),
        (None, "org/gated", "is gated: the hub gives its files only to those who accepted"),
        (None, "org/gated", "/org/gated, then set HF_TOKEN"),
        ("hf_stranger", "org/gated", "the token's account has no access to org/gated"),
        (None, "no such/name", "`no such/name` is not a name that a model on the hub can have"),
    ],
)
def test_what_is_closed_or_not_there(hub: Hub, token: str | None, model: str, message: str) -> None:
    hub.add(Repository("org/gated", gated=True).commit(FILES))
    hub.add(Repository("org/secret", private=True).commit(FILES))
    said = ask(hub, token, model=model)
    assert message in said
    assert "hf_" not in said
    assert "hint: " in said


@pytest.mark.parametrize("model", ["org/gated", "org/secret"])
def test_a_good_token_opens_it(hub: Hub, model: str) -> None:
    made = hub.add(Repository(model, gated=True, private=model == "org/secret").commit(FILES))
    assert made.head in ask(hub, "hf_good", model=model)


def test_an_unknown_revision_names_the_nearest(hub: Hub) -> None:
    made = hub.repositories[NAME]
    made.tags["v1.5"] = made.head
    assert "no revision `v1.6`\n  hint: did you mean `v1.5`?" in ask(hub, revision="v1.6")
    assert "no revision `xyz`\n  hint: known: main, v1.5" in ask(hub, revision="xyz")


def test_it_waits_as_long_as_the_hub_asks(hub: Hub) -> None:
    hub.fault(Fault("/api/models/*", status=429, headers={"Retry-After": "1"}))
    said = ask(hub)
    assert said.startswith("the hub answers 429; asking again in 1 s\n")
    assert hub.repositories[NAME].head in said


def test_it_does_not_wait_for_ever(hub: Hub) -> None:
    hub.fault(Fault("/api/models/*", ALWAYS, status=429, headers={"Retry-After": "3600"}))
    assert "has had too many requests from here (429)" in ask(hub)


def test_an_error_of_the_hub_may_pass(hub: Hub) -> None:
    hub.fault(Fault("/api/models/*", status=503))
    assert "the hub answers 503; asking again in 1 s" in ask(hub)


@pytest.mark.parametrize(
    ("status", "headers", "tries", "pause_s"),
    [
        (500, {}, 0, 1),
        (503, {}, 2, 4),
        (503, {}, 3, None),
        (404, {}, 0, None),
        (429, {}, 1, 2),
        (429, {"retry-after": "0"}, 0, 1),
        (429, {"retry-after": "7"}, 5, 7),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0, 1),
        (429, {"ratelimit": '"api";r=0;t=55', "retry-after": "7"}, 0, 55),
        (429, {"ratelimit": '"api";r=9;t=55'}, 0, 1),
    ],
)
def test_pauses(status: int, headers: dict[str, str], tries: int, pause_s: float | None) -> None:
    assert pause_after(status, headers, tries) == pause_s


def test_sizes_are_asked_with_the_same_patience_and_refused_in_the_same_words(hub: Hub) -> None:
    hub.add(Repository("org/gated", gated=True).commit(FILES))
    hub.fault(Fault("/api/models/*", status=503))
    said: list[str] = []
    access = HubAccess(hub.url)
    with pytest.raises(OrchestrateError) as caught:
        read_sizes(access, "org/gated", "main", Recorder(said))
    assert said == ["the hub answers 503; asking again in 1 s"]
    assert str(caught.value) == ask(hub, model="org/gated")


def test_a_repository_without_a_config_is_no_unknown_model(hub: Hub) -> None:
    hub.add(Repository("org/data").commit({"a.bin": b"x"}))
    with pytest.raises(OrchestrateError, match=r"org/data: has no config\.json on the hub"):
        read_sizes(HubAccess(hub.url), "org/data", "main", Recorder([]))


def test_nobody_listens() -> None:
    with Hub.up() as hub:
        pass
    said = ask(hub)
    assert f"the hub {hub.url} cannot be reached: " in said
    assert "hint: is the machine online?" in said


def test_what_answers_is_no_hub(hub: Hub) -> None:
    hub.fault(Fault("/api/models/*", status=200))
    assert f"{hub.url} does not answer as a hub" in ask(hub)


def test_a_path_that_leads_elsewhere_is_refused(hub: Hub) -> None:
    hub.add(Repository("org/evil").commit({"../../.ssh/authorized_keys": b"key"}))
    assert "leads out of the model's folder" in ask(hub, model="org/evil")


def test_reasons() -> None:
    assert hub_error_reason(httpx2.ReadTimeout("")) == "no answer in time"
    dns = httpx2.ConnectError("[Errno -2] Name or service not known")
    assert hub_error_reason(dns) == "its name does not resolve"
    offline = hub_error(errors.OfflineModeIsEnabled(), "https://hub", NAME, known_user=False)
    assert "unset HF_HUB_OFFLINE" in str(offline)


def test_the_token_is_in_no_representation() -> None:
    assert "hf_" not in repr(HubAccess("https://hub", "hf_good"))
