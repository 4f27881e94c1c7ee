"""Whatever stands in nodes.toml, the answer is an inventory or a list of its mistakes."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import ConfigError
from cluster.inventory.config import checked
from cluster.inventory.toml_file import read_toml

KEYS = st.sampled_from(
    [
        *("cluster", "ssh", "ray", "serve", "node", "source", "self", "_cli_parse_args", "model"),
        *("name", "role", "fast_address", "fast_network", "port", "env", "gpus", "_env_file"),
    ]
)
SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["head", "10.0.0.1", "10.0.0.0/24", "h1"])
    | st.datetimes(datetime(1, 1, 1), timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(st.dictionaries(KEYS | st.text(max_size=4), VALUES, max_size=6))
def test_anything_that_toml_can_hold_is_a_config_or_a_config_error(raw: Mapping[str, Any]) -> None:
    config = None
    with suppress(ConfigError):
        config = checked(raw, "nodes.toml", {})
    assert config is None or config.head in config.node


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000])
def test_toml_that_python_cannot_take(tmp_path: Path, value: str) -> None:
    path = tmp_path / "nodes.toml"
    path.write_text(f"a = {value}")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_toml(path)
