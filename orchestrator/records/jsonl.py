"""A file with one JSON value a line, each written as soon as it is known."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.whole_file import write_error
from orchestrator.cli.render import to_jsonable

WriteLine = Callable[[Any], None]


@contextmanager
def open_jsonl(path: Path) -> Iterator[WriteLine]:
    """Yields what appends a value. Raises OrchestrateError where it cannot be written."""
    try:
        file = path.open("x", encoding="utf-8")
    except OSError as error:
        raise write_error(path, error) from None

    def keep(value: Any) -> None:
        try:
            file.write(json.dumps(value, default=to_jsonable) + "\n")
            file.flush()
        except OSError as error:
            raise write_error(path, error) from None

    with file:
        yield keep
