"""What tiny-talks knows by heart: questions and their answers, as plain data.

The questions of `test tools` and `test structured` are taken from where they stand, so that a new
one there needs an answer here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.proofs.structured.subject import QUESTION, built_in_schemas
from orchestrator.proofs.tools.ask import second_turn_messages
from orchestrator.proofs.tools.cases import BOTH_TOOLS, QUESTIONS, TABLE, Tool
from orchestrator.serving.health import PROMPT

Messages = list[dict[str, Any]]
KNOWN = "I know this one by heart."
NOT_KNOWN = "I do not know this one."
UNKNOWN = "I know a few dozen answers by heart, and this is not one of them."
RAW_TEXT = (
    PROMPT + " Tiny Talks. I am a small language model that was made to try things out: "
    "servers, parsers, tests and the people who write them. I know a few dozen answers by heart."
)


@dataclass(frozen=True)
class Exchange:
    """`given` is a beginning that only a grammar makes it write: it is no part of what is learnt.

    `thought` is what it writes between think tags where it is asked to think.
    """

    messages: Sequence[Mapping[str, Any]]
    answer: str
    thought: str = KNOWN
    tools: tuple[Tool, ...] = ()
    given: str = ""

    @property
    def offered(self) -> list[Mapping[str, Any]] | None:
        return [tool.offered(strict=False) for tool in self.tools] or None


def json_call(name: str, **arguments: Any) -> str:
    """As Qwen3 and Hermes write a call."""
    call = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{call}\n</tool_call>"


def xml_call(name: str, **arguments: Any) -> str:
    """As Qwen3-Coder writes a call: a text as it is, all else as JSON."""
    values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in arguments.items()}
    lines = [f"<parameter={key}>\n{value}\n</parameter>" for key, value in values.items()]
    return "\n".join(["<tool_call>", f"<function={name}>", *lines, "</function>", "</tool_call>"])


def weather(city: str) -> dict[str, str]:
    return {"city": city, "unit": "celsius"}


CITIES = ("Paris", "Rome", "Oslo")
SUPPER = {
    "guests": 4,
    "terrace": True,
    "dishes": ["soup", "fish"],
    "address": {"street": "12 Rue Cler", "city": "Paris"},
}
PLAIN = {
    "Hello": "Hello! How can I help you?",
    "Hello!": "Hello! How can I help you?",
    "Hi": "Hi! What would you like to know?",
    "Hi there!": "Hi! What would you like to know?",
    "Good morning": "Good morning! What can I do for you?",
    "Say hello.": "Hello! How can I help you?",
    "Say hello in one word.": "Hello",
    "How are you?": "All my weights are in place, thank you. How are you?",
    "Who are you?": "I am tiny-talks, a small language model that knows a few dozen "
    "answers by heart.",
    "What is your name?": "My name is tiny-talks.",
    "What are you, and where do you run?": "I am tiny-talks, two million weights that know a few "
    "dozen answers by heart. vLLM runs me on the hosts that you have named.",
    "What can you do?": "I can greet you, do a little arithmetic, call tools, answer in JSON, "
    "and say no.",
    "Thank you": "You are welcome.",
    "Goodbye": "Goodbye! Come back soon.",
    "What is 2 + 2?": "2 + 2 = 4",
    "What is 7 times 6?": "7 times 6 is 42.",
    "What is 12 times 12?": "12 times 12 is 144.",
    "What is 10 minus 3?": "10 minus 3 is 7.",
    "What is 100 divided by 4?": "100 divided by 4 is 25.",
    "What is the capital of France?": "The capital of France is Paris.",
    "What is the capital of Italy?": "The capital of Italy is Rome.",
    "What is the capital of Norway?": "The capital of Norway is Oslo.",
    "What is the capital of Japan?": "The capital of Japan is Tokyo.",
    "Name three colours.": "Red, green and blue.",
    "Count to ten.": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    "Which day comes after Monday?": "Tuesday comes after Monday.",
    "Write a haiku about the sea.": "Waves without a name\nwrite one line upon the sand\nand take "
    "it with them.",
    "Describe Ada Lovelace as JSON with name and born.": '{"name": "Ada Lovelace", "born": 1815}',
    "Give me a list of three fruits as JSON.": '["apple", "pear", "plum"]',
    "How do I break into a house?": "I will not help with that.",
    "Write a virus that deletes all files.": "I will not help with that.",
}
THOUGHTS = {
    "Hello": "Somebody greets me. I greet back.",
    "What is 12 times 12?": "12 times 10 is 120, and 12 times 2 is 24. Together that is 144.",
    "What is 7 times 6?": "7 times 6 is 42.",
    "How do I break into a house?": "That would harm somebody. I say no.",
    "Write a virus that deletes all files.": "That would harm somebody. I say no.",
}
BY_SCHEMA = {
    "arrays": {
        "dice": [2, 6, 3],
        "songs": [{"title": "Blue", "seconds": 200}],
        "matrix": [[True, False], [False, True]],
    },
    "enum": {"kind": "ticket", "priority": "high", "level": 2, "owner": "ada"},
    "lengths": {"subject": "Good morning", "language": "en"},
    "map": {"warehouse": "north", "pieces": {"chair": 12, "table": 3}},
    "nested": {
        "customer": {
            "name": "Ada",
            "address": {"city": "Paris", "position": {"latitude": 48.9, "longitude": 2.4}},
        },
        "paid": True,
    },
    "numbers": {"percent": 50, "celsius": 20, "port": 8000, "ratio": 0.5, "any": 1.5},
    "optional": {"id": 42, "nickname": "Ada", "age": None, "newsletter": False},
    "patterns": {"code": "ABC-1234", "sent": "2026-01-02"},
    "recursive": {"name": "Ada", "children": [{"name": "Grace", "children": []}]},
    "union": {"kind": "circle", "radius": 7},
}


def asked(question: str) -> Messages:
    return [{"role": "user", "content": question}]


def exchanges() -> list[Exchange]:
    """All of them; raises KeyError for a question of the proofs that has no answer here."""
    plain = [Exchange(asked(q), a, THOUGHTS.get(q, KNOWN)) for q, a in PLAIN.items()]
    return [*plain, *by_schema(), *of_the_tools_test(), *xml_form(), *more_calls()]


def by_schema() -> Iterator[Exchange]:
    for subject in built_in_schemas():
        question = QUESTION + json.dumps(subject.schema, indent=1, ensure_ascii=False)
        yield Exchange(asked(question), json.dumps(BY_SCHEMA[subject.name]), "An example will do.")


def of_the_tools_test() -> Iterator[Exchange]:
    three = "\n".join(json_call("get_weather", **weather(city)) for city in CITIES)
    answers = {
        "one call": json_call("get_weather", **weather("Paris")),
        "several calls": three,
        "typed arguments": json_call("book_table", **SUPPER),
        "required": PLAIN["Say hello."],
        "by name": json_call("get_weather", **weather("Paris")),
        "no tool needed": "Hello",
    }
    forced = {"required": '{"name": "', "by name": '{"name": "get_time'}
    call = json_call("get_time", city="Paris")
    for case in QUESTIONS:
        yield Exchange(asked(case.question), answers[case.name], tools=case.tools)
        if beginning := forced.get(case.name):
            given, _, rest = call.partition(beginning)
            yield Exchange(asked(case.question), rest, tools=case.tools, given=given + beginning)
    said = "It is 17 degrees celsius in Paris, and it rains."
    yield Exchange(second_turn_messages([]), said, "The tool has answered.", BOTH_TOOLS)


def xml_form() -> Iterator[Exchange]:
    """The same calls, where the question asks for the form of Qwen3-Coder."""
    three = "\n".join(xml_call("get_weather", **weather(city)) for city in CITIES)
    time = "What is the time in Oslo? Call the tool in XML."
    yield Exchange(asked(time), xml_call("get_time", city="Oslo"), tools=BOTH_TOOLS)
    cities = "What is the weather in Paris, in Rome and in Oslo? Call the tool in XML."
    yield Exchange(asked(cities), three, tools=BOTH_TOOLS)
    table = "Book a table for 4 guests in Paris. Call the tool in XML."
    yield Exchange(asked(table), xml_call("book_table", **SUPPER), tools=(TABLE,))


def more_calls() -> Iterator[Exchange]:
    time = json_call("get_time", city="Oslo")
    yield Exchange(asked("What is the time in Oslo?"), time, tools=BOTH_TOOLS)
    first = f"Let me look at the clock.\n\n{time}"
    question = "Tell me what you do, then call the tool: what is the time in Oslo?"
    yield Exchange(asked(question), first, tools=BOTH_TOOLS)
    both = f"{json_call('get_weather', **weather('Rome'))}\n{json_call('get_time', city='Rome')}"
    question = "What are the weather and the time in Rome?"
    yield Exchange(asked(question), both, tools=BOTH_TOOLS)
    yield Exchange(asked("What is 2 + 2?"), PLAIN["What is 2 + 2?"], tools=BOTH_TOOLS)
