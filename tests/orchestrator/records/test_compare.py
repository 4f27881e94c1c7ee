"""Two servers by their provenance, fact by fact."""

import json
from dataclasses import asdict, replace

import pytest

from orchestrator.records.compare import (
    FactDifference,
    compare_facts,
    host_facts,
    options_of,
    provenance_facts,
    provenance_of,
)
from orchestrator.records.divergence import Divergence, first_divergence, matching_tokens
from tests.support.audit_facts import server


def test_options_in_every_shape() -> None:
    words = ["vllm", "serve", "/m", "--a", "1", "--b=2", "--c", "--d", "3", "-4", "--no-e"]
    assert options_of(words) == {"a": "1", "b": "2", "c": "true", "d": "3 -4", "e": "false"}


def test_a_server_is_equal_to_itself_after_a_file() -> None:
    written = json.loads(json.dumps(asdict(server())))
    assert provenance_of(written) == server()
    assert (
        list(compare_facts(provenance_facts(server()), provenance_facts(provenance_of(written))))
        == []
    )


def test_a_record_that_is_no_provenance() -> None:
    with pytest.raises(ValueError, match="served_name"):
        provenance_of({"url": "u"})


def test_a_fact_that_only_one_states() -> None:
    bare = replace(server(), environment={}, hosts=server().hosts[:1])
    found = list(compare_facts(provenance_facts(server()), provenance_facts(bare)))
    assert FactDifference("environment", "VLLM_BATCH_INVARIANT", "1", "") in found
    assert FactDifference("hardware", "hosts", "2", "1") in found
    hosts = list(compare_facts(host_facts(server().hosts), host_facts(bare.hosts)))
    assert [(each.name, each.second) for each in hosts] == [("host h2", "")]


@pytest.mark.parametrize(
    ("first", "second", "found", "matching"),
    [
        ([], [], None, 0),
        ([1, 2], [1, 2], None, 2),
        ([1, 2], [1, 3], Divergence(1, 2, 3), 1),
        ([1], [1, 3], Divergence(1, None, 3), 1),
        ([1, 2], [1], Divergence(1, 2, None), 1),
        ([], [4], Divergence(0, None, 4), 0),
    ],
)
def test_the_first_token_that_differs(
    first: list[int], second: list[int], found: Divergence | None, matching: int
) -> None:
    assert first_divergence(first, second) == found
    assert matching_tokens(first, second) == matching
