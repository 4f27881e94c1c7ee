"""Pictures and questions, and which answer is right."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

MEDIA_PACKAGE = "orchestrator.proofs.vision"
ONE_WORD = "What colour is this picture? Answer with one word."
RECALL = "What colour was the picture? One word."
OUTSIDE = "http://outside.invalid/red.png"  # never resolves: nobody is contacted
BY_URL = ("blue.png", "video.avi")
Part = Mapping[str, Any]


@dataclass(frozen=True)
class VisionCase:
    """One conversation: what the user says in each turn. The last answer must match `right`."""

    name: str
    turns: tuple[tuple[Part, ...], ...]
    right: str

    def is_right(self, answer: str) -> bool:
        return re.search(self.right, answer, re.IGNORECASE | re.DOTALL) is not None


def text_part(words: str) -> Part:
    return {"type": "text", "text": words}


def image_part(url: str) -> Part:
    return {"type": "image_url", "image_url": {"url": url}}


def video_part(url: str) -> Part:
    return {"type": "video_url", "video_url": {"url": url}}


def inline_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def media_file(name: str) -> bytes:
    """A picture of one colour or of a digit, or the video, from the package.

    The video is Motion JPEG: uncompressed frames crash the reader of OpenCV 5.0, which vLLM uses.
    """
    return (resources.files(MEDIA_PACKAGE) / "media" / name).read_bytes()


def inline_image(name: str) -> Part:
    return image_part(inline_url("image/png", media_file(name)))


def only_word(word: str, *others: str) -> str:
    """Matches the word without any of the others: naming all of them is no answer."""
    return "".join(rf"(?!.*\b{other}\b)" for other in others) + rf"^(?=.*\b{word}\b)"


def in_order(*words: str) -> str:
    return r"^\W*" + ".*".join(rf"\b{word}\b" for word in words)


def inline_cases() -> Sequence[VisionCase]:
    """Pictures in the request itself."""
    red, green, blue = (inline_image(f"{each}.png") for each in ("red", "green", "blue"))
    which = text_part("Which digit is drawn here? Answer with the digit alone.")
    each = text_part("Name the colours of these pictures in their order, and nothing else.")
    return (
        VisionCase("red picture", ((red, text_part(ONE_WORD)),), only_word("red", "green", "blue")),
        VisionCase(
            "blue picture", ((blue, text_part(ONE_WORD)),), only_word("blue", "green", "red")
        ),
        VisionCase("digit", ((inline_image("seven.png"), which),), only_word("7", "[0-689]")),
        VisionCase("several images", ((blue, red, green, each),), in_order("blue", "red", "green")),
        VisionCase(
            "several turns",
            ((green, text_part("Say only: ready.")), (text_part(RECALL),)),
            only_word("green", "red", "blue"),
        ),
    )


def url_cases(base: str) -> Sequence[VisionCase]:
    """Files of the media server."""
    picture = (image_part(f"{base}/blue.png"), text_part(ONE_WORD))
    return (
        VisionCase("image by URL", (picture,), only_word("blue", "green", "red")),
        video_case(base),
    )


def video_case(base: str | None) -> VisionCase:
    """From the media server; in the request where there is none."""
    url = f"{base}/video.avi" if base else inline_url("video/x-msvideo", media_file("video.avi"))
    question = "Which colour does this video have at first, and which one at its end? Two words."
    name = "video by URL" if base else "video in the request"
    return VisionCase(name, ((video_part(url), text_part(question)),), in_order("red", "blue"))
