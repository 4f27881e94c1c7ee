"""A hub cache of a few random bytes, laid out as huggingface_hub lays it out."""

import hashlib
import json
import random
from pathlib import Path

from orchestrator.models.lockfile import LockedFile, LockedModel

COMMIT = "c" * 40


def make_hub(cache: Path, model: str, shard_bytes: int, *, shared_store: bool = False) -> Path:
    """Two shards, an index, a config and a nested file; give the snapshot's folder.

    With `shared_store` the shards' blobs are links into the store that repositories share.
    """
    chance = random.Random(model)
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = {"weight_map": {f"layer.{n}": shard for n, shard in enumerate(shards)}}
    small = {
        "config.json": b'{"num_attention_heads": 8, "num_key_value_heads": 4}',
        "model.safetensors.index.json": json.dumps(index).encode(),
        "original/params.json": b"{}",
        "original/same.json": b"{}",
        "empty": b"",
    }
    repository = cache / "hub" / f"models--{model.replace('/', '--')}"
    snapshot = repository / "snapshots" / COMMIT
    for path in (snapshot, repository / "blobs", repository / "refs"):
        path.mkdir(parents=True)
    (repository / "refs/main").write_text(COMMIT)
    for name, data in small.items():
        add(snapshot / name, repository / "blobs" / git_sha1(data), data)
    for name in shards:
        whole, rest = divmod(shard_bytes, 1 << 20)
        data = b"".join(
            [*(chance.randbytes(1 << 20) for _ in range(whole)), chance.randbytes(rest)]
        )
        blob = repository / "blobs" / hashlib.sha256(data).hexdigest()
        if shared_store:
            stored = cache / "hub/blobs/ab" / ("ab" + blob.name[2:])
            stored.parent.mkdir(parents=True, exist_ok=True)
            stored.write_bytes(data)
            blob.symlink_to(f"../../blobs/ab/{stored.name}")
        add(snapshot / name, blob, data)
    return snapshot


def add(link: Path, blob: Path, data: bytes) -> None:
    if not blob.exists():
        blob.write_bytes(data)
    link.parent.mkdir(parents=True, exist_ok=True)
    up = "../" * (len(link.relative_to(blob.parents[1]).parts) - 1)
    link.symlink_to(f"{up}blobs/{blob.name}")


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def locked(model: str, snapshot: Path) -> LockedModel:
    """The lock entry of such a snapshot."""
    files = []
    for path in sorted(p for p in snapshot.rglob("*") if p.is_file()):
        data = path.read_bytes()
        lfs = path.suffix == ".safetensors"
        value = (
            f"sha256:{hashlib.sha256(data).hexdigest()}" if lfs else f"git-sha1:{git_sha1(data)}"
        )
        name = path.relative_to(snapshot).as_posix()
        files.append(LockedFile(path=name, size=len(data), hash=value))
    return LockedModel(
        model=model, revision="main", commit=COMMIT, locked="2026-11-21", files=tuple(files)
    )
