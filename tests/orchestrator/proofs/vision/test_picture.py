"""Pictures and the film are what their readers take them for."""

import struct
import zlib

from orchestrator.proofs.vision.film import avi, jpeg, means_of, stuffed
from orchestrator.proofs.vision.picture import BLUE, RED, WHITE, digit, plain, png


def test_a_png() -> None:
    made = png(plain(RED))
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", made[16:24]) == (256, 256)
    start = made.index(b"IDAT")
    length = struct.unpack(">I", made[start - 4 : start])[0]
    pixels = zlib.decompress(made[start + 4 : start + 4 + length])
    assert pixels == (b"\0" + bytes(RED) * 256) * 256


def test_a_digit_has_a_margin() -> None:
    cells = digit("7").cells
    edges = {*cells[0], *cells[-1], *(row[0] for row in cells), *(row[-1] for row in cells)}
    assert edges == {WHITE}
    assert sum(cell != WHITE for row in cells for cell in row) == 11


def test_a_jpeg_has_its_colour_as_means() -> None:
    assert means_of(WHITE) == (127, 0, 0)
    assert means_of((128, 128, 128)) == (0, 0, 0)
    made = jpeg(RED, 16)
    assert (made[:2], made[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    assert stuffed("1" * 9) == b"\xff\x00\xff\x00"


def test_an_avi_says_its_own_sizes() -> None:
    frames = [jpeg(RED), jpeg(BLUE)]
    made = avi(frames)
    assert struct.unpack("<I", made[4:8])[0] == len(made) - 8
    index = made.index(b"idx1") + 8
    movi = made.index(b"movi")
    for number, frame in enumerate(frames):
        place, size = struct.unpack("<II", made[index + 16 * number + 8 :][:8])
        assert size == len(frame)
        assert made[movi + place + 8 :][:size] == frame
