"""A film of pictures of one colour each: Motion JPEG in AVI, of the standard library; pure.

Uncompressed frames would be shorter to write, but crash the reader of OpenCV 5.0, which vLLM uses.
"""

import struct
from collections.abc import Iterator, Sequence

from orchestrator.proofs.vision.picture import Colour

SIDE = 128  # pixels; a multiple of the 8 of a JPEG block
DC_COUNTS = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)  # the usual code: T.81, table K.3
DC_CODES = (
    (2, 0b00), (3, 0b010), (3, 0b011), (3, 0b100), (3, 0b101), (3, 0b110),
    (4, 0b1110), (5, 0b11110), (6, 0b111110), (7, 0b1111110), (8, 0b11111110), (9, 0b111111110),
)  # fmt: skip


def jpeg(colour: Colour, side: int = SIDE) -> bytes:
    """A picture of one colour: of every block only its mean is coded."""
    components = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    selectors = b"".join(bytes((number, 0x00)) for number in (1, 2, 3))
    ends = bytes((0x10, 1, *[0] * 15, 0))  # the only code of AC: the block ends
    means = bytes((0x00, *DC_COUNTS, *range(12)))
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xDB, bytes((0, *[8] * 64))),
            segment(0xC0, struct.pack(">BHHB", 8, side, side, 3) + components),
            segment(0xC4, means),
            segment(0xC4, ends),
            segment(0xDA, bytes((3,)) + selectors + bytes((0, 63, 0))),
            stuffed("".join(scan(colour, (side // 8) ** 2))),
            b"\xff\xd9",
        )
    )


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def scan(colour: Colour, blocks: int) -> Iterator[str]:
    """Bits: the first block has the colour, all further ones have no difference from it."""
    for mean in means_of(colour):
        size = abs(mean).bit_length()
        width, code = DC_CODES[size]
        bits = mean if mean >= 0 else mean + (1 << size) - 1
        yield f"{code:0{width}b}" + (f"{bits:0{size}b}" if size else "") + "0"
    for _ in range(3 * (blocks - 1)):
        yield "00" + "0"


def means_of(colour: Colour) -> tuple[int, int, int]:
    """Luma and chroma about zero, which is what a block's mean is with a quantiser of 8."""
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luma - 128), round((blue - luma) / 1.772), round((red - luma) / 1.402)


def stuffed(bits: str) -> bytes:
    """Whole bytes, filled with ones; a byte of ones gets a zero after it, or it were a marker."""
    bits += "1" * (-len(bits) % 8)
    whole = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return whole.replace(b"\xff", b"\xff\x00")


def avi(frames: Sequence[bytes], side: int = SIDE, per_second: int = 2) -> bytes:
    """Frames of Motion JPEG, `per_second` of them."""
    count, largest = len(frames), max(map(len, frames))
    main = struct.pack(
        "<14I",
        *(1_000_000 // per_second, largest * per_second, 0, 0x10, count, 0, 1, largest),
        *(side, side, 0, 0, 0, 0),
    )
    stream = b"vidsMJPG" + struct.pack(
        "<IHHIIIIIIII4H", *(0, 0, 0, 0, 1, per_second, 0, count, largest, 0, 0), 0, 0, side, side
    )
    size = side * side * 3
    picture = struct.pack("<IiiHH4sIiiII", 40, side, side, 1, 24, b"MJPG", size, 0, 0, 0, 0)
    streams = listed(b"strl", chunk(b"strh", stream), chunk(b"strf", picture))
    data = [chunk(b"00dc", frame) for frame in frames]
    index, place = b"", 4
    for frame, part in zip(frames, data, strict=True):
        index += b"00dc" + struct.pack("<III", 0x10, place, len(frame))
        place += len(part)
    parts = (listed(b"hdrl", chunk(b"avih", main), streams), listed(b"movi", *data))
    return chunk(b"RIFF", b"AVI " + b"".join((*parts, chunk(b"idx1", index))))


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def listed(name: bytes, *parts: bytes) -> bytes:
    return chunk(b"LIST", name + b"".join(parts))
