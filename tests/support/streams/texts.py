"""Where a model's text is: content, parts, reasoning, refusal; and what comes beside it."""

from tests.support.streams.case import DONE, END, HALLO, READ, Reading, StreamCase, delta, event

TEXTS = (
    StreamCase(
        "content of parts", delta(content=[{"type": "text", "text": "Hal"}, "lo"]) + END, READ
    ),
    StreamCase("content of one part", delta(content={"type": "text", "text": "Hallo"}) + END, READ),
    StreamCase(
        "parts without text", delta(content=[{"type": "image_url"}, 7, None]) + END, Reading()
    ),
    StreamCase(
        "thoughts among the parts",
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}])
        + delta(content=[{"type": "text", "text": "Hallo"}])
        + END,
        Reading("Hallo", "Hm"),
    ),
    StreamCase("reasoning", delta(reasoning="Hm") + HALLO + END, Reading("Hallo", "Hm")),
    StreamCase(
        "reasoning_content", delta(reasoning_content="Hm") + HALLO + END, Reading("Hallo", "Hm")
    ),
    StreamCase(
        "reasoning under both names",
        delta(reasoning="Hm", reasoning_content="Hm", content=None) + HALLO + END,
        Reading("Hallo", "Hm"),
    ),
    StreamCase(
        "one name empty",
        delta(reasoning="", reasoning_content="Hm", content="") + HALLO + END,
        Reading("Hallo", "Hm"),
    ),
    StreamCase(
        "refusal", delta(refusal="I ") + delta(refusal="won't") + END, Reading(refusal="I won't")
    ),
    StreamCase("refusal null", delta(refusal=None, content="Hallo") + END, READ),
    StreamCase(
        "messages in place of deltas",
        event({"choices": [{"message": {"content": "Hallo"}, "finish_reason": "stop"}]}) + DONE,
        READ,
    ),
    StreamCase(
        "the whole message after the deltas",
        HALLO + event({"choices": [{"message": {"content": "Hallo"}, "finish_reason": "stop"}]}),
        READ,
    ),
    StreamCase(
        "completions", event({"choices": [{"text": "Hallo", "finish_reason": "stop"}]}) + DONE, READ
    ),
    StreamCase(
        "logprobs null",
        event({"choices": [{"delta": {"content": "Hallo"}, "logprobs": None}]}) + END,
        READ,
    ),
    StreamCase(
        "logprobs empty",
        event({"choices": [{"delta": {"content": "Hallo"}, "logprobs": {"content": None}}]}) + END,
        READ,
    ),
    StreamCase(
        "logprobs of no shape",
        event({"choices": [{"delta": {"content": "Hallo"}, "logprobs": {"tokens": 7}}]}) + END,
        Reading("Hallo", faults=("`logprobs` has the shape of neither chat nor completions",)),
    ),
    StreamCase(
        "token ids that are none",
        event({"choices": [{"delta": {"content": "Hallo"}, "token_ids": ["a"]}]}) + END,
        Reading("Hallo", faults=("`token_ids` are no list of numbers",)),
    ),
)
