"""Read a model folder's config.json and the headers of its safetensors files; no weights are read.

Mistral's own format has params.json in its place, and other names for the files.

Input: {"path"}. Output: {"config", "tensors": [[name, dtype, shape, count]], "problem"}.
The experts of a layer are one row: their number becomes `*` in the name. A header says its own
length in the file's first eight bytes, and that is not trusted.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

from orchestrator.host import shard_names

INDEXES = ("model.safetensors.index.json", "consolidated.safetensors.index.json")
QUANTISED = "hf_quant_config.json"  # ModelOpt's, where config.json says nothing
MOST_BYTES = 100_000_000  # the format's own limit
EXPERT = re.compile(r"\.experts\.\d+\.")


class Broken(Exception):
    """What is wrong with the folder."""


def main(request: dict[str, Any]) -> None:
    print(json.dumps(read_folder(request["path"])))


def read_folder(path: str) -> dict[str, Any]:
    """Never raises for what the folder holds: `problem` says what is wrong with it."""
    path = os.path.expanduser(path)
    answer: dict[str, Any] = {"config": None, "tensors": [], "problem": ""}
    try:
        answer["config"] = read_config(path)
        answer["tensors"] = collapsed(row for name in shards(path) for row in header(path, name))
    except Broken as error:
        answer["problem"] = str(error)
    return answer


def read_config(path: str) -> dict[str, Any]:
    names = ("config.json", "params.json")
    there = [name for name in names if os.path.exists(os.path.join(path, name))]
    config = read_object(path, there[0] if there else names[0])
    if "quantization_config" not in config and os.path.exists(os.path.join(path, QUANTISED)):
        told = read_object(path, QUANTISED)
        config["quantization_config"] = {**told, "quant_method": "modelopt"}
    return config


def read_object(path: str, name: str) -> dict[str, Any]:
    try:
        with open(os.path.join(path, name), "rb") as file:
            value = json.loads(file.read(MOST_BYTES))
    except FileNotFoundError:
        raise Broken(f"no {name} in {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Broken(f"{name} cannot be read ({error})") from None
    if not isinstance(value, dict):
        raise Broken(f"{name} holds no table")
    return value


def shards(path: str) -> list[str]:
    """The files that vLLM would load: those of the index, else every one in the folder."""
    try:
        present = {name for name in os.listdir(path) if name.endswith(".safetensors")}
    except OSError as error:
        raise Broken(f"{path} cannot be read ({error})") from None
    index = next((name for name in INDEXES if os.path.exists(os.path.join(path, name))), "")
    if not index:
        wanted = shard_names.loaded_shards(present)
        refuse_missing(shard_names.missing_shards(wanted), "the names of the others say")
        return wanted
    names = read_object(path, index).get("weight_map")
    if not isinstance(names, dict):
        raise Broken(f"{index} has no weight_map")
    listed = {name for name in names.values() if isinstance(name, str)}
    refuse_missing(sorted(listed - present), f"{index} names")
    return sorted(listed)


def refuse_missing(missing: list[str], who: str) -> None:
    if missing:
        raise Broken(f"{who} {len(missing)} files that are missing, as {missing[0]}")


def header(path: str, name: str) -> list[tuple[str, str, tuple[int, ...]]]:
    try:
        with open(os.path.join(path, name), "rb") as file:
            whole = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if whole < 8 or length > whole - 8 or length > MOST_BYTES:
                raise Broken(f"{name} is truncated: {whole} bytes, a header of {length}")
            table = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError) as error:
        raise Broken(f"the header of {name} cannot be read ({error})") from None
    return header_rows(name, table, whole - 8 - length)


def header_rows(name: str, table: Any, stored: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """What a header lists; its last byte must lie inside the file."""
    if not isinstance(table, dict):
        raise Broken(f"the header of {name} holds no table")
    found, last = [], 0
    for tensor, about in table.items():
        if tensor == "__metadata__":
            continue
        try:
            dtype, shape = str(about["dtype"]), tuple(int(size) for size in about["shape"])
            last = max(last, int(about["data_offsets"][1]))
        except (KeyError, IndexError, TypeError, ValueError, OverflowError):
            raise Broken(f"the header of {name} makes no sense at {tensor[:100]}") from None
        found.append((tensor, dtype, shape))
    if last > stored:
        raise Broken(f"{name} is truncated: its header lists {last} bytes, there are {stored}")
    return found


def collapsed(found: Any) -> list[list[Any]]:
    counts: dict[Any, int] = {}
    for name, dtype, shape in found:
        key = (EXPERT.sub(".experts.*.", name), dtype, shape)
        counts[key] = counts.get(key, 0) + 1
    return [[name, dtype, list(shape), count] for (name, dtype, shape), count in counts.items()]
