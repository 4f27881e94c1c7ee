"""A question to a model as a person or a program puts it; pure but for reading images."""

import base64
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.errors import Problem, UsageError
from orchestrator.api.request import Call, chat
from orchestrator.api.schema import Schema, response_format


@dataclass(frozen=True)
class Prompt:
    """The user's text, and what is asked of the answer. None leaves a choice to the server."""

    text: str
    system: str | None = None
    images: tuple[str, ...] = ()
    schema: Schema | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    top_p: float | None = None

    def call(self, model: str) -> Call:
        content: str | list[dict[str, Any]] = self.text
        if self.images:
            content = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
            content.append({"type": "text", "text": self.text})
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if self.system is not None:
            messages.insert(0, {"role": "system", "content": self.system})
        return chat(
            model,
            messages,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            response_format=None if self.schema is None else response_format(self.schema),
        )


def data_urls(paths: Sequence[str]) -> tuple[str, ...]:
    """Images as data URLs. Raises UsageError for a file that is none."""
    return tuple(data_url(path) for path in paths)


def data_url(path: str) -> str:
    kind, _ = mimetypes.guess_type(path)
    if kind is None or not kind.startswith("image/"):
        hint = "known by its name, as in photo.png"
        raise UsageError(Problem("not an image", path, hint))
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", path)) from None
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
