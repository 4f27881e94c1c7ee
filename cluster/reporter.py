"""Where the progress of a verb goes; whoever shows it implements this."""

from typing import Protocol


class Reporter(Protocol):
    def tell(self, line: str) -> None:
        """What is being done or waited for right now."""

    def progress(self, line: str) -> None:
        """What changes all the time."""

    def warn(self, line: str) -> None:
        """What may spoil the result, though the verb goes on."""


class Silent:
    """Tells nobody."""

    def tell(self, line: str) -> None: ...

    def progress(self, line: str) -> None: ...

    def warn(self, line: str) -> None: ...


SILENT = Silent()
