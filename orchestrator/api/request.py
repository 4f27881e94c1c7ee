"""What is asked of an OpenAI-compatible server: immutable values, made without a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
Message = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One request: where it goes and its JSON body."""

    path: str
    body: Mapping[str, Any]

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))

    def changed(self, **options: Any) -> "Call":
        """The same call with other options; None takes one away."""
        return Call(self.path, given({**self.body, **options}))

    def streamed(self) -> "Call":
        """The same call, answered token by token, with the usage at the end."""
        return self.changed(stream=True, stream_options={"include_usage": True})

    def exact(self, top: int = 5) -> "Call":
        """The same call, answered with token ids and the `top` most likely tokens of each place.

        vLLM's own: tokens among the logprobs are named by id, since different ids may share a text.
        """
        ids = {"return_token_ids": True, "return_tokens_as_token_ids": True}
        if self.path == CHAT:
            return self.changed(**ids, logprobs=True, top_logprobs=top)
        return self.changed(**ids, logprobs=top)


def chat(model: str, messages: str | Sequence[Message], **options: Any) -> Call:
    """A chat completion; a text is one message of the user. Options of None are left out."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return Call(CHAT, given({"model": model, "messages": list(messages), **options}))


def completion(model: str, prompt: str | Sequence[int], **options: Any) -> Call:
    """A completion of a text or of token ids. Options of None are left out."""
    return Call(COMPLETIONS, given({"model": model, "prompt": prompt, **options}))


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
