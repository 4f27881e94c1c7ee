"""A small typed client for Python programs: `from orchestrator.client import Client`."""

import asyncio
import threading
import weakref
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar, overload

from pydantic import BaseModel, ValidationError

from orchestrator.api.errors import RequestFailed, SchemaNotMet
from orchestrator.api.generate import generate
from orchestrator.api.prompt import Prompt
from orchestrator.api.schema import require_schema
from orchestrator.api.send import ANSWER_LIMIT_S
from orchestrator.api.target import Wanted, open_target

__all__ = ["Client", "RequestFailed", "SchemaNotMet"]
Out = TypeVar("Out")
Model = TypeVar("Model", bound=BaseModel)


class Client:
    """One server: an address, or the model running on this inventory.

    `nodes` is the inventory, as for the command line; `api_key_file` holds the key, else
    ORCHESTRATE_API_KEY does, else the file that `serve` made; `timeout_s` is for one answer.
    May be used from several threads at once.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        model: str | None = None,
        api_key_file: str | None = None,
        nodes: str | None = None,
        timeout_s: float = ANSWER_LIMIT_S,
    ) -> None:
        stack = ExitStack()
        self._target = stack.enter_context(open_target(Wanted(url, model, api_key_file, nodes)))
        self._loop = Loop()
        stack.callback(self._loop.close)
        self._timeout_s = timeout_s
        self._close = weakref.finalize(self, stack.close)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the server. Safe to call twice; happens by itself when the program ends."""
        self._close()

    @property
    def model(self) -> str:
        """The name under which the server knows its model."""
        return self._target.model

    @overload
    def generate(
        self,
        prompt: str,
        *,
        schema: None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        system: str | None = None,
    ) -> str: ...

    @overload
    def generate(
        self,
        prompt: str,
        *,
        schema: type[Model],
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        system: str | None = None,
    ) -> Model: ...

    @overload
    def generate(
        self,
        prompt: str,
        *,
        schema: Mapping[str, Any],
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        system: str | None = None,
    ) -> Any: ...

    def generate(
        self,
        prompt: str,
        *,
        schema: Mapping[str, Any] | type[BaseModel] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        system: str | None = None,
    ) -> Any:
        """The answer's text; with a JSON schema the value, with a pydantic class an instance of it.

        Raises SchemaNotMet with the raw answer, RequestFailed where none came, UsageError for what
        is no schema.
        """
        kind = schema if isinstance(schema, type) else None
        wanted = schema.model_json_schema() if isinstance(schema, type) else schema
        if wanted is not None:
            require_schema(wanted)
        asked = Prompt(prompt, system, (), wanted, max_tokens, temperature, seed)
        work = generate(self._target, asked, timeout_s=self._timeout_s)
        found = self._loop.run(work)
        found.require_schema_met()
        if kind is None:
            return found.reply.text if schema is None else found.value
        return self._instance(kind, found.reply.text)

    def _instance(self, kind: type[Model], text: str) -> Model:
        """pydantic may ask for more than a JSON schema can say."""
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            errors = [f"${place(each['loc'])}: {each['msg']}" for each in error.errors()]
            where = self._target.shown
            raise SchemaNotMet(text, errors, truncated=False, where=where) from None


def place(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


class Loop:
    """An event loop in a thread of its own, so that it works where another one runs already."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Out]) -> Out:
        """Wait for its end. What interrupts the wait, such as Ctrl-C, ends the work too."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
