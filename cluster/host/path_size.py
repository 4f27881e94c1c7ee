"""Which is the largest packet that arrives: what to send next, and what the answers mean."""

from __future__ import annotations

HEADERS = 28  # bytes of IPv4 and UDP
SMALLEST = 128
AT_ONCE = 6
FIRST_ROUND_S, ROUND_S, AGAIN_S = 1.2, 0.35, 0.15
SILENT_S = 1.0  # more, where nothing at all was answered: the other host may be busy


class SizeProbe:
    """Sizes of IP packets: first the full one; only if that is lost, what lies between."""

    def __init__(self, full: int, now: float) -> None:
        self.full = full
        self.arrived = 0
        self.lost = full + 1
        self.sizes = [SMALLEST, full]
        self.ends, self.send_at = now + FIRST_ROUND_S, now

    @property
    def largest(self) -> int | None:
        """None where nothing at all was answered."""
        return self.arrived or None

    @property
    def done(self) -> bool:
        return not self.sizes

    def heard(self, payload: int) -> None:
        self.arrived = max(self.arrived, payload + HEADERS)
        if self.arrived >= self.full:
            self.sizes = []

    def due(self, now: float) -> list[int]:
        """Payloads to send now; each is sent again until it was answered or its round is over."""
        limit = self.ends if self.arrived else self.ends + SILENT_S
        if self.sizes and (now >= limit or self.arrived >= max(self.sizes)):
            self.narrow(now)
        if not self.sizes or now < self.send_at:
            return []
        self.send_at = now + AGAIN_S
        return [size - HEADERS for size in self.sizes if size > self.arrived]

    def narrow(self, now: float) -> None:
        self.lost = min((size for size in self.sizes if size > self.arrived), default=self.lost)
        gap = self.lost - self.arrived
        steps = {self.arrived + gap * step // (AT_ONCE + 1) for step in range(1, AT_ONCE + 1)}
        self.sizes = sorted(steps - {self.arrived}) if self.arrived else []
        self.ends, self.send_at = now + ROUND_S, now
