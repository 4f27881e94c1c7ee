"""What nvidia-smi says of the GPUs; lines outside its table are told, and spoil nothing."""

from __future__ import annotations

from typing import Any

from cluster.host import storage

LIMIT_S = 5
QUERY = "index,name,memory.total,memory.free,compute_cap,driver_version,uuid"
FIELDS = QUERY.count(",") + 1
WORDS = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
FINE = (0, 14)  # 14: infoROM is corrupted, which nvidia-smi calls a warning; the GPUs work
LOST = ("lost", "unable to determine", "unknown error", "fallen off")
SAID_LIMIT = 200


def found(driver: storage.Child | None) -> dict[str, Any]:
    """{"gpus": one value a GPU, "driver_problem", "driver_note": what is no reason to stop}."""
    if driver is None:
        return {"gpus": [], "driver_problem": "nvidia-smi is not installed"}
    code, out = driver.finish(LIMIT_S)
    if code is None:
        return {"gpus": [], "driver_problem": f"nvidia-smi does not answer within {LIMIT_S} s"}
    return read(code, out)


def read(code: int, out: str) -> dict[str, Any]:
    """Memory in bytes, None where it is N/A."""
    rows, rest = [], []
    for line in filter(None, map(str.strip, out.splitlines())):
        row = row_of(line)
        if row is None:
            rest.append(line)
        else:
            rows.append(row)
    said = " ".join(rest)[:SAID_LIMIT]
    broken = code not in FINE or any(word in said.lower() for word in LOST)
    if broken or not rows:
        said = said or (f"exit code {code}" if code else "")
        return {"gpus": rows, "driver_problem": f"nvidia-smi: {said}" if said else ""}
    return {"gpus": rows, "driver_problem": "", "driver_note": said}


def row_of(line: str) -> dict[str, Any] | None:
    """A GPU; None for a line of another kind, and for a GPU that is lost."""
    fields = [field.strip() for field in line.split(",")]
    lost = any(word in line.lower() for word in LOST)
    if len(fields) != FIELDS or not fields[0].isdecimal() or lost:
        return None
    index, name, total, free, capability, version, uuid = fields
    return {
        "index": int(index),
        "name": name,
        "memory_total": mebibytes(total),
        "memory_free": mebibytes(free),
        "capability": capability,
        "driver": version,
        "uuid": uuid,
    }


def mebibytes(text: str) -> int | None:
    number = text.partition(" ")[0]
    return int(number) << 20 if number.isdecimal() else None
