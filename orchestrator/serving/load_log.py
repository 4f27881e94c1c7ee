"""What vLLM's log says of a load: progress while it lasts, the reason when it fails; pure."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

KEPT_LINES = 2000
REASON_CHARACTERS = 400
LINE_CHARACTERS = 4096  # of a line that patterns see: some take the square of its length
COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
SPEAKER = re.compile(r"^(?:\((?:[^()]* )?pid=[^()]*\) ?)+")
STAMP = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL) [\d-]+ [\d:.]+ \[[^\]]*\] ?")
Words = Callable[[re.Match[str]], str]
# in the order of a load; a stage that was passed is not told again when another rank comes to it
PROGRESS: tuple[tuple[re.Pattern[str], Words], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Resolved architecture: (\S+)", lambda m: f"architecture {m[1]}"),
        (r"Initializing a V1 LLM engine \((\S+)\)", lambda m: f"engine {m[1]} starts"),
        (r"Connecting to existing Ray cluster", lambda m: "joining Ray"),
        (r"Connected to Ray cluster", lambda m: "joined Ray"),
        (
            r"Waiting for creating a placement group of specs for (\d+) seconds",
            lambda m: f"waiting for free GPUs in Ray since {m[1]} s",
        ),
        (r"Starting to load model", lambda m: "loading the model"),
        (
            r"Loading safetensors checkpoint shards:\s+\d+% Completed \| (\d+)/(\d+)",
            lambda m: f"loading weights: {m[1]} of {m[2]} files",
        ),
        (r"Loading weights took ([\d.]+) seconds", lambda m: f"weights read in {m[1]} s"),
        (r"Model loading took ([\d.]+) ?GiB", lambda m: f"weights loaded: {m[1]} GiB"),
        (r"torch\.compile takes ([\d.]+) s", lambda m: f"compiled in {m[1]} s"),
        (r"(?:GPU|CPU) KV cache size: ([\d,]+) tokens", lambda m: f"KV cache: {m[1]} tokens"),
        (r"Capturing CUDA graphs[^:]*:\s+(\d+)%", lambda m: f"CUDA graphs: {m[1]} %"),
        (r"Graph capturing finished in ([\d.]+) s", lambda m: f"CUDA graphs done in {m[1]} s"),
        (r"init engine \([^)]*\) took ([\d.]+) s", lambda m: f"engine ready in {m[1]} s"),
        (r"Starting vLLM (?:API )?server", lambda m: "server starts"),
        (r"Application startup complete", lambda m: "server started"),
    )
)
STARTS = len(PROGRESS) - 2
COUNTED = re.compile(r"waiting for free GPUs|loading weights:|CUDA graphs: \d")
HOPELESS = "The number of required GPUs exceeds the total number of available GPUs"
REFUSED = re.compile(r"^vllm(?: \w+)*: error: (.+)$")
EXCEPTION = re.compile(r"^((?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b(?::? ?.*))$")
CONSEQUENCE = re.compile(
    r"Engine core initialization failed|[Ss]ee (?:the )?root cause|EngineDeadError|RayTaskError"
    r"|check the stack trace above|^RuntimeError: Executor failed"
)
DIED = re.compile(r"Worker.* died unexpectedly")  # said beside every error, or alone after a kill
INVALID = re.compile(r"ValidationError: \d+ validation errors? for (\w+)$")
ABOUT_INPUT = re.compile(r"\s*\[type=\w+, input_value=.*$")


@dataclass
class Loading:
    """Reads the log line by line."""

    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    stage: int = -1
    said: str = ""

    def read(self, line: str) -> str:
        """News worth telling, or nothing."""
        line = line[:LINE_CHARACTERS]
        self.lines.append(line)
        for stage, (pattern, words) in enumerate(PROGRESS):
            match = pattern.search(line) if stage >= self.stage else None
            if match:
                return self.news(stage, words(match))
        return ""

    def news(self, stage: int, text: str) -> str:
        if text == self.said or (stage == self.stage and not COUNTED.match(text)):
            return ""
        self.stage, self.said = stage, text
        return text

    @property
    def starts(self) -> bool:
        """Whether the server is about to listen, or does."""
        return self.stage >= STARTS

    def tail(self, count: int = 15) -> list[str]:
        return [plain(line)[1] for line in list(self.lines)[-count:]]


def plain(line: str) -> tuple[str, str]:
    """(level or nothing, what is said) without colours, speakers and time stamps."""
    text = SPEAKER.sub("", COLOUR.sub("", line[:LINE_CHARACTERS]))
    stamp = STAMP.match(text)
    return (stamp[1], text[stamp.end() :]) if stamp else ("", text)


def hopeless(line: str) -> str:
    """Why waiting is in vain although vLLM would go on waiting, or nothing."""
    if HOPELESS in line:
        return "Ray has fewer GPUs than the model is split over, and vLLM would wait for them"
    return ""


def reason(lines: Iterable[str]) -> str:
    """The error that started it: the first one that is not a consequence of another."""
    said = [text for level, text in map(plain, lines) if level in ("", "ERROR", "CRITICAL")]
    found = [error_at(said, number) for number in range(len(said))]
    causes = [text for text in found if text and not CONSEQUENCE.search(text)]
    deaths = [text for text in said if DIED.search(text)]
    return (causes or deaths or ["its log names no error"])[0][:REASON_CHARACTERS]


def error_at(said: Sequence[str], number: int) -> str:
    """The error that a line states; pydantic states it on the lines that follow."""
    refused, stated = REFUSED.match(said[number]), EXCEPTION.match(said[number])
    if refused:
        return refused[1]
    if not stated:
        return ""
    invalid = INVALID.search(stated[1])
    if not invalid:
        return stated[1].strip()
    what = [ABOUT_INPUT.sub("", text.strip()) for text in said[number + 1 : number + 3]]
    if what and what[0].startswith("Value error, "):
        return what[0].removeprefix("Value error, ")
    return f"{invalid[1]}: {': '.join(filter(None, what))}"
