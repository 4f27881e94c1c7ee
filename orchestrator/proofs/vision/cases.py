"""What is shown and asked, and which answer is right; pure."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.proofs.vision.film import avi, jpeg
from orchestrator.proofs.vision.picture import BLUE, GREEN, RED, digit, plain, png

ONE_WORD = "What colour is this picture? Answer with one word."
OUTSIDE = "http://outside.invalid/red.png"  # a name that never resolves: nobody is ever asked
FILES = {
    "blue.png": png(plain(BLUE)),
    "film.avi": avi([jpeg(RED)] * 4 + [jpeg(BLUE)] * 4),
}
Part = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One conversation: what the user says in each turn. The last answer must match `right`."""

    name: str
    turns: tuple[tuple[Part, ...], ...]
    right: str

    def is_right(self, answer: str) -> bool:
        return re.search(self.right, answer, re.IGNORECASE | re.DOTALL) is not None


def text(words: str) -> Part:
    return {"type": "text", "text": words}


def image(url: str) -> Part:
    return {"type": "image_url", "image_url": {"url": url}}


def video(url: str) -> Part:
    return {"type": "video_url", "video_url": {"url": url}}


def data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def shown(content: bytes) -> Part:
    return image(data_url("image/png", content))


def only(word: str, *others: str) -> str:
    """The word, and none of the others: naming all of them is no answer."""
    return "".join(rf"(?!.*\b{other}\b)" for other in others) + rf"^(?=.*\b{word}\b)"


def inline_cases() -> Sequence[Case]:
    """Pictures in the request itself."""
    red, green, blue = (shown(png(plain(each))) for each in (RED, GREEN, BLUE))
    which = text("Which digit is drawn here? Answer with the digit alone.")
    each = text("Name the colours of these pictures in their order, and nothing else.")
    return (
        Case("red picture", ((red, text(ONE_WORD)),), only("red", "green", "blue")),
        Case("blue picture", ((blue, text(ONE_WORD)),), only("blue", "green", "red")),
        Case("digit", ((shown(png(digit("7"))), which),), only("7", "[0-689]")),
        Case("several images", ((blue, red, green, each),), r"^\W*\bblue\b.*\bred\b.*\bgreen\b"),
        Case(
            "several turns",
            ((green, text("Say only: ready.")), (text("What colour had the picture? One word."),)),
            only("green", "red", "blue"),
        ),
    )


def by_url(base: str) -> Sequence[Case]:
    """Files of the media server."""
    picture = (image(f"{base}/blue.png"), text(ONE_WORD))
    return (Case("image by URL", (picture,), only("blue", "green", "red")), film(base))


def film(base: str | None) -> Case:
    """From the media server; in the request where there is none."""
    url = f"{base}/film.avi" if base else data_url("video/x-msvideo", FILES["film.avi"])
    asked = "Which colour does this video have at first, and which one at its end? Two words."
    name = "video by URL" if base else "video in the request"
    return Case(name, ((video(url), text(asked)),), r"^\W*\bred\b.*\bblue\b")
