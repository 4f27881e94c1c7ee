"""`models verify` of files in memory, against `openssl speed` on every core of this machine."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.models.lockfile import LockedFile, LockedModel, ModelsLock, write_lock
from tests.bench.timing import Row, seconds
from tests.testbed.inventory import VENV
from tests.testbed.programs import run

FILES, FILE_BYTES = 16, 512 << 20
ROUNDS = 5
NICE = ["nice", "-n", "10"]  # as the host's program runs: others count the same for both
SPEED = [*NICE, "openssl", "speed", "-mr", "-evp", "sha256", "-bytes", "16384", "-seconds", "2"]


def bench_verify() -> Iterator[Row]:
    """In turn: what openssl would need on all cores, what the host needed, the whole command."""
    cores = len(os.sched_getaffinity(0))
    openssl: list[float] = []
    host: list[float] = []
    command: list[float] = []
    with TemporaryDirectory() as folder:
        root = Path(folder)
        make(root)
        for _ in range(ROUNDS):
            rate = float(run(SPEED).stdout.split()[-1].rpartition(":")[2])  # bytes a second
            openssl.append(FILES * FILE_BYTES / rate / cores)
            command.append(seconds(lambda: host.append(verify(root))))
    what = f"verify, {FILES * FILE_BYTES / 1e9:.1f} GB in memory, {cores} cores"
    target = "ratio <= 1.11 (0.9 of its rate)"
    yield Row(f"{what}, on the host", host, openssl, target)
    yield Row("the same, whole command", command, openssl)


def make(root: Path) -> None:
    """A model of random bytes, written as a download writes it; what was just written is in memory.

    Not by sendfile, as shutil.copy does: the kernel then keeps it in single pages of 4 KiB.
    """
    model = root / "orchestrate" / "tiny"
    model.mkdir(parents=True)
    block = os.urandom(4 << 20)
    for number in range(FILES):
        with (model / str(number)).open("wb", buffering=0) as file:
            for _ in range(FILE_BYTES // len(block)):
                file.write(block)
    os.sync()  # or the disk takes its part of the cores while we measure
    digest = run(["sha256sum", str(model / "0")]).stdout.split()[0]
    files = tuple(
        LockedFile(path=str(number), size=FILE_BYTES, hash=f"sha256:{digest}")
        for number in range(FILES)
    )
    entry = LockedModel(model="tiny", revision="main", commit="", locked="now", files=files)
    write_lock(root / "models.lock", ModelsLock(models=(entry,)))


def verify(root: Path) -> float:
    """The seconds that the host took, by the report."""
    env = {**os.environ, "HF_HOME": str(root)}
    orchestrate = f"{VENV}/bin/orchestrate"
    line = f"cd {root} && exec {orchestrate} models verify tiny --nodes local --json"
    report = json.loads(run(["sh", "-c", line], env=env, timeout_s=300).stdout)
    taken: float = report["hosts"][0]["seconds"]
    return taken
