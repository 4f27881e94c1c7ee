"""A reporter that keeps what it is told."""

from dataclasses import dataclass, field


@dataclass
class Recorder:
    """Every line in one list, whichever way it came."""

    lines: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        self.lines.append(line)

    progress = warn = tell
