"""Whatever lies in place of a bundle, the answer is a check or an error of ours."""

import gzip
import io
import json
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit.archive import DamagedArchive, pack, unpack
from orchestrator.audit.compare import compare_bundles
from orchestrator.audit.verify import check_bundle, verify_bundle
from tests.support.audit_facts import files
from tests.support.mutation import mutated_bytes, mutated_json

FILES = files()
PLAIN = gzip.decompress(pack("top", {"one": b"1" * 600, "two": b""}))
FORMATS = st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
KINDS = st.sampled_from(
    [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, b"S", b"x", b"L", b"\0"]
)
NAMES = st.sampled_from(["top/a", "/etc/x", "../x", "top/" + "n" * 300, "top/\u00e9", "top", ""])


@st.composite
def foreign(draw: st.DrawFn) -> bytes:
    """A tar of others: links, sparse and pax headers, absolute names, sizes that are not there."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=draw(FORMATS)) as tar:
        for _ in range(draw(st.integers(0, 3))):
            info = tarfile.TarInfo(draw(NAMES))
            info.type, info.linkname = draw(KINDS), "/etc/passwd"
            info.size = 2 if info.type == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"xx"))
    return out.getvalue()


@given(mutated_bytes(PLAIN) | foreign().flatmap(mutated_bytes), st.booleans())
def test_any_archive(tmp_path_factory: pytest.TempPathFactory, content: bytes, whole: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tar.gz"
    packed = gzip.compress(content)
    path.write_bytes(packed if whole else packed[: len(packed) // 2])
    verify_bundle(path)
    with suppress(DamagedArchive):
        unpack(path)


def test_a_size_beyond_all_limits_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("top/huge")
    info.size = 1 << 60
    path = tmp_path / "x.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    with pytest.raises(DamagedArchive, match="holds more than"):
        unpack(path)


@given(st.data())
def test_any_content(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(n for n in FILES if n.endswith((".json", ".lock")))))
    changed = {**FILES, name: data.draw(mutated_json(json.loads(FILES[name])))}
    compare_bundles(check_bundle("a", "", FILES), check_bundle("b", "", changed))
