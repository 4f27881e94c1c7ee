"""The tools that the model is offered, and the questions; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.api.request import Call, Message, chat
from orchestrator.api.schema import Schema

ExpectedCalls = Literal["none", "one", "several"]
OWN_ID = "call00001"  # Mistral's tokenizer accepts only nine letters and digits
RESULT_DEGREES = "17"
RESULT = f'{{"temperature": {RESULT_DEGREES}, "unit": "celsius", "sky": "rain"}}'


@dataclass(frozen=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str
    parameters: Schema

    def offered(self, *, strict: bool) -> Mapping[str, Any]:
        """vLLM enforces the schema of the arguments only where a tool is strict."""
        about = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": about | ({"strict": True} if strict else {})}


def object_schema(required: list[str], **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


CITY = {"type": "string", "description": "Name of the city"}
WEATHER = Tool(
    "get_weather",
    "The weather in one city, now",
    object_schema(["city", "unit"], city=CITY, unit={"enum": ["celsius", "fahrenheit"]}),
)
TIME = Tool("get_time", "The local time in one city", object_schema(["city"], city=CITY))
TABLE = Tool(
    "book_table",
    "Book a table in a restaurant",
    object_schema(
        ["guests", "terrace", "dishes", "address"],
        guests={"type": "integer", "minimum": 1, "maximum": 20},
        terrace={"type": "boolean", "description": "Outside, on the terrace"},
        dishes={"type": "array", "items": {"type": "string"}, "minItems": 1},
        address=object_schema(["street", "city"], street={"type": "string"}, city=CITY),
    ),
)
BOTH_TOOLS = (WEATHER, TIME)


@dataclass(frozen=True)
class ToolCase:
    """One question. `choice` is auto, required, or the name of the tool that must be called."""

    name: str
    question: str
    wanted: ExpectedCalls
    choice: str = "auto"
    tools: tuple[Tool, ...] = BOTH_TOOLS
    streamed: bool = False

    @property
    def check(self) -> str:
        return f"{self.name}, streamed" if self.streamed else self.name

    @property
    def forced(self) -> str | None:
        """The tool that must be called; None where the model may choose."""
        return self.choice if self.is_strict and self.choice != "required" else None

    @property
    def is_strict(self) -> bool:
        """Whether a call is forced; its arguments must be valid even if the question has none."""
        return self.choice not in ("auto", "none")

    def tool(self, name: str) -> Tool | None:
        return next((each for each in self.tools if each.name == name), None)

    def call(self, model: str, max_tokens: int) -> Call:
        return self.asking(model, [{"role": "user", "content": self.question}], max_tokens)

    def asking(self, model: str, messages: list[Message], max_tokens: int) -> Call:
        by_name = {"type": "function", "function": {"name": self.forced}}
        call = chat(
            model,
            messages,
            max_tokens=max_tokens,
            temperature=0,
            tools=[tool.offered(strict=self.is_strict) for tool in self.tools],
            tool_choice=by_name if self.forced else self.choice,
        )
        return call.streamed() if self.streamed else call


QUESTIONS = (
    ToolCase("one call", "What is the weather in Paris, in celsius? Use the tool.", "one"),
    ToolCase(
        "several calls",
        "What is the weather in Paris, in Rome and in Oslo, in celsius? "
        "Call the tool for each of the three cities now, all at once.",
        "several",
    ),
    ToolCase(
        "typed arguments",
        "Book a table on the terrace for 4 guests who will have soup and fish. "
        "The address is 12 Rue Cler in Paris. Use the tool.",
        "one",
        tools=(TABLE,),
    ),
    ToolCase("required", "Say hello.", "one", "required"),
    ToolCase("by name", "What is the weather in Paris?", "one", TIME.name),
    ToolCase("no tool needed", "Say hello in one word.", "none"),
)
FIRST_QUESTION = QUESTIONS[0]
SECOND_TURN = ToolCase("second turn", FIRST_QUESTION.question, "none")
