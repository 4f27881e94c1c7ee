"""Interfaces with their addresses, and who listens on a port; from the kernel, without any tool."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import Any

from cluster.host import services

SIOCGIFCONF = 0x8912
SIOCGIFNETMASK = 0x891B
IFREQ_BYTES = 40
LISTEN = "0A"
INTERFACES = Path("/sys/class/net")


def interfaces() -> list[dict[str, Any]]:
    """Each that has an IPv4 address, then those that have none but stand before an RDMA device."""
    found = addressed()
    names = {item["name"] for item in found}
    return found + [item for item in rdma_interfaces() if item["name"] not in names]


def addressed() -> list[dict[str, Any]]:
    """IPv4 addresses by interface, MTU, and speed in Mbit/s (None where the driver has none)."""
    room = bytearray(IFREQ_BYTES * 256)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        address = (ctypes_address(room), len(room))
        answer = fcntl.ioctl(sock, SIOCGIFCONF, struct.pack("iL", address[1], address[0]))
    used = struct.unpack("iL", answer)[0]
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, used, IFREQ_BYTES):
        entry = bytes(room[start : start + IFREQ_BYTES])
        name = entry[:16].partition(b"\0")[0].decode().partition(":")[0]
        item = found.setdefault(name, describe(name))
        item["addresses"].append(socket.inet_ntoa(entry[20:24]))
        item["networks"].append(f"{socket.inet_ntoa(entry[20:24])}/{prefix(entry)}")
    return list(found.values())


def prefix(entry: bytes) -> int:
    """Length of the network's prefix; 32 where the kernel does not say."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        answer = fcntl.ioctl(sock, SIOCGIFNETMASK, entry)
        return bin(struct.unpack("!I", answer[20:24])[0]).count("1")
    return 32


def ctypes_address(buffer: bytearray) -> int:
    import ctypes

    return ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))


def describe(name: str, root: Path = INTERFACES) -> dict[str, Any]:
    folder = root / name
    speed = number(folder / "speed")
    devices = sorted(path.name for path in (folder / "device" / "infiniband").glob("*"))
    return {
        "name": name,
        "addresses": [],
        "networks": [],
        "mtu": number(folder / "mtu"),
        "speed": speed if speed and speed > 0 else None,
        "up": text(folder / "operstate") in ("up", "unknown", ""),
        "rdma": devices,
        "rdma_down": [each for each in devices if not active(folder, each)],
    }


def rdma_interfaces(root: Path = INTERFACES) -> list[dict[str, Any]]:
    return [
        describe(path.parents[1].name, root) for path in sorted(root.glob("*/device/infiniband"))
    ]


def active(folder: Path, device: str) -> bool:
    """One of its ports is ACTIVE, or none of them can be read."""
    states = [text(path) for path in (folder / "device/infiniband" / device).glob("ports/*/state")]
    return not any(states) or any("ACTIVE" in state for state in states)


def text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text().strip()
    return ""


def number(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def owners(ports: list[int], *, marked: bool = False) -> list[dict[str, Any]]:
    """Who listens on these TCP ports, and with `marked` which processes of ours on any other:
    address, and pid, command and mark where we may know them.
    """
    found = []
    asked = frozenset(ports)
    wanted: dict[str, dict[str, Any]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in table_lines(table):
            fields = line.split()
            place, _, port = fields[1].rpartition(":")
            if fields[3] == LISTEN and (marked or int(port, 16) in asked):
                entry = {"port": int(port, 16), "address": readable(place), "uid": int(fields[7])}
                wanted[f"socket:[{fields[9]}]"] = entry
                found.append(entry)
    if wanted:
        name_owners(wanted)
    return [each for each in found if each["port"] in asked or each.get("mark")]


def table_lines(path: str) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(path).read_text().splitlines()[1:]
    return []


def readable(place: str) -> str:
    """/proc writes addresses in the machine's own byte order."""
    if len(place) == 8:
        return socket.inet_ntoa(struct.pack("=I", int(place, 16)))
    words = [int(place[start : start + 8], 16) for start in range(0, 32, 8)]
    return socket.inet_ntop(socket.AF_INET6, struct.pack("=4I", *words))


def name_owners(wanted: dict[str, dict[str, Any]]) -> None:
    for pid in services.processes():
        for link in open_files(pid):
            if link in wanted and "pid" not in wanted[link]:
                mark = services.own_mark(pid)
                wanted[link].update(pid=pid, command=services.command_line(pid), mark=mark)


def open_files(pid: int) -> list[str]:
    """What its descriptors point to; those that vanish meanwhile, or are not ours, are left out."""
    found = []
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return found
