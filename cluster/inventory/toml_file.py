"""A TOML file as a table; what is wrong with the file is told in words."""

import tomllib
from pathlib import Path
from typing import Any

from cluster.errors import ConfigError, Problem, UsageError


def read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise UsageError(
            Problem(
                "no such inventory",
                str(path),
                "write one (docs/quickstart.md), name one with --nodes PATH, or use --nodes local",
            )
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(Problem(f"cannot be read: {error}", str(path))) from None
    return parse_toml(text, str(path))


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and Python's own for a number of 5,000 digits
        raise ConfigError(Problem(f"not valid TOML: {error}", source)) from None
    except RecursionError:
        raise ConfigError(Problem("not valid TOML: nested too deeply", source)) from None
