"""An Answer as vLLM 0.32 writes it: chat and completions, whole and as a stream."""

import json
from collections.abc import Iterator
from typing import Any

from tests.served.script import PIECE, Answer, Edited, Request, Token

CHAT = "/v1/chat/completions"
DONE = "[DONE]"
HALF = 2  # a tool call's arguments come in two parts


def whole(request: Request, answer: Answer) -> dict[str, Any]:
    """The body of an answer that does not stream."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish_of(answer), "stop_reason": None}
    choice["logprobs"] = logprobs_of(request, answer.tokens)
    choice["token_ids"] = ids_of(request, answer.tokens)
    if request.path == CHAT:
        calls = [tool(each.id, each.name, each.arguments) for each in answer.tools]
        message = {"role": "assistant", "content": answer.text or None}
        message |= {"reasoning": answer.reasoning} if answer.reasoning else {}
        choice["message"] = {**message, "tool_calls": calls} if calls else message
    else:
        choice["text"] = answer.text
    return {**frame(request), "choices": [choice], "usage": usage(answer)}


def whole_of(request: Request, delivery: Answer | Edited) -> dict[str, Any] | None:
    if isinstance(delivery, Answer):
        return whole(request, delivery)
    return delivery.edit(whole(request, delivery.answer))


def edited(parts: Iterator[str], delivery: Edited) -> Iterator[str]:
    """The parts of a stream after the edit."""
    for data in parts:
        if data != DONE:
            made = delivery.edit(json.loads(data))
            yield from () if made is None else (json.dumps(made),)
        elif delivery.ending:
            yield data


def stream(request: Request, answer: Answer) -> Iterator[str]:
    """The data of each event."""
    is_chat = request.path == CHAT
    if is_chat:
        yield part(request, {"delta": {"role": "assistant", "content": ""}})
    for word in PIECE.findall(answer.reasoning):
        yield part(request, {"delta": {"reasoning": word}})
    for token in answer.tokens:
        said = {"delta": {"content": token.text}} if is_chat else {"text": token.text}
        extra = {
            "logprobs": logprobs_of(request, (token,)),
            "token_ids": ids_of(request, (token,)),
        }
        yield part(request, {**said, **extra})
    for index, each in enumerate(answer.tools):
        middle = len(each.arguments) // HALF
        first = tool(each.id, each.name, each.arguments[:middle]) | {"index": index}
        rest = {"index": index, "function": {"arguments": each.arguments[middle:]}}
        yield part(request, {"delta": {"tool_calls": [first]}})
        yield part(request, {"delta": {"tool_calls": [rest]}})
    last: dict[str, Any] = {"delta": {}} if is_chat else {"text": ""}
    yield part(request, {**last, "finish_reason": finish_of(answer)})
    if (request.body.get("stream_options") or {}).get("include_usage"):
        yield json.dumps({**frame(request), "choices": [], "usage": usage(answer)})
    yield DONE


def part(request: Request, choice: dict[str, Any]) -> str:
    plain = {"index": 0, "finish_reason": None, "logprobs": None}
    return json.dumps({**frame(request), "choices": [{**plain, **choice}]})


def frame(request: Request) -> dict[str, Any]:
    kind = "chat.completion" if request.path == CHAT else "text_completion"
    return {"id": f"scripted-{request.number}", "object": kind, "model": request.body.get("model")}


def finish_of(answer: Answer) -> str:
    return "tool_calls" if answer.tools and answer.finish_reason == "stop" else answer.finish_reason


def tool(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def usage(answer: Answer) -> dict[str, Any]:
    made = len(answer.tokens)
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": made,
        "total_tokens": answer.prompt_tokens + made,
        "prompt_tokens_details": {"cached_tokens": answer.cached} if answer.cached else None,
    }


def ids_of(request: Request, tokens: tuple[Token, ...]) -> list[int] | None:
    return [token.id for token in tokens] if request.body.get("return_token_ids") else None


def logprobs_of(request: Request, tokens: tuple[Token, ...]) -> dict[str, Any] | None:
    wanted = request.body.get("logprobs")
    if not wanted:
        return None
    by_id = request.body.get("return_tokens_as_token_ids")

    def name(text: str, number: int) -> str:
        return f"token_id:{number}" if by_id else text

    ranked = [[(t.text, t.id, t.logprob), *t.others] for t in tokens]
    if request.path == CHAT:
        most = request.body.get("top_logprobs") or 0
        pairs = [[{"token": name(x, n), "logprob": p} for x, n, p in each] for each in ranked]
        return {"content": [{**each[0], "top_logprobs": each[:most]} for each in pairs]}
    return {
        "tokens": [name(token.text, token.id) for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{name(x, n): p for x, n, p in each[:wanted]} for each in ranked],
    }
