"""What vLLM's log says of a load: progress while it lasts, the reason when it fails; pure."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

KEPT_LINES = 2000
PROGRESS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"Loading safetensors checkpoint shards:\s+(\d+)% Completed \| (\d+)/(\d+)"),
        lambda m: f"loading weights: {m[2]} of {m[3]} files",
    ),
    (re.compile(r"Model loading took ([\d.]+) ?GiB"), lambda m: f"weights loaded: {m[1]} GiB"),
    (
        re.compile(r"(?:GPU|CPU) KV cache size: ([\d,]+) tokens"),
        lambda m: f"KV cache: {m[1]} tokens",
    ),
    (re.compile(r"Capturing CUDA graphs[^:]*:\s+(\d+)%"), lambda m: f"CUDA graphs: {m[1]} %"),
    (re.compile(r"torch\.compile takes ([\d.]+) s"), lambda m: f"compiled in {m[1]} s"),
    (re.compile(r"Connecting to existing Ray cluster"), lambda m: "joining Ray"),
    (re.compile(r"Application startup complete"), lambda m: "server started"),
)
ERROR = re.compile(r"(?:^|\s|\])((?:[A-Za-z_]+\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b:? ?.*)$")
CONSEQUENCE = re.compile(r"Engine core initialization failed|See root cause|EngineDeadError")
SAID_BY_OTHERS = re.compile(r"^(?:\(.*?\) )?(?:ERROR|WARNING|INFO) [\d-]+ [\d:]+ ")


@dataclass
class Loading:
    """Reads the log line by line."""

    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    said: str = ""

    def read(self, line: str) -> str:
        """News worth telling, or nothing."""
        self.lines.append(line)
        for pattern, words in PROGRESS:
            match = pattern.search(line)
            if match and words(match) != self.said:
                self.said = words(match)
                return self.said
        return ""

    def tail(self, count: int = 15) -> list[str]:
        return list(self.lines)[-count:]


def reason(lines: Iterable[str]) -> str:
    """The error that started it: the first exception that is not a consequence of another."""
    found = [match[1].strip() for line in lines if (match := ERROR.search(line))]
    causes = [text for text in found if not CONSEQUENCE.search(text)]
    return (causes or found or ["its log names no error"])[0][:400]
