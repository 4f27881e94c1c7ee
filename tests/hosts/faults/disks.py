"""Disks that are full, closed, hung or gone, and a model that is not what it was."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.hosts.faults.ground import FOLDER, HOME_SIZE, STATE
from tests.hosts.lab import Lab
from tests.hosts.stand_in import make_model
from tests.testbed.host import Host


@contextmanager
def full(host: Host, path: str) -> Iterator[None]:
    """A tmpfs without room for a byte more than is there, and at least a page."""
    host.run(f"mount -o remount,size=$(($(df -B1 --output=used {path} | tail -1) + 4096)) {path}")
    host.run(f"head -c 1000000 /dev/zero > {path}/filler", check=False)
    try:
        yield
    finally:
        host.run(f"mount -o remount,size={HOME_SIZE} {path} && rm -f {path}/filler")


@contextmanager
def read_only(host: Host, path: str) -> Iterator[None]:
    """A second mount over the first: what writes there already goes on, as on a real disk."""
    host.run(f"mount --bind {path} {path} && mount -o remount,ro,bind {path}")
    try:
        yield
    finally:
        host.run(["umount", "-l", path])


@contextmanager
def closed(host: Host) -> Iterator[None]:
    """Not even root makes, changes or removes a file in our folders there."""
    host.run(f"mkdir -p {FOLDER} && find {STATE} -type d -exec chattr +i {{}} +")
    try:
        yield
    finally:
        host.run(f"find {STATE} -type d -exec chattr -i {{}} +")


@contextmanager
def cut_short(lab: Lab) -> Iterator[None]:
    """The last weights lost their end; index and configuration are whole."""
    os.truncate(lab.model / "model-00002-of-00002.safetensors", 100)
    try:
        yield
    finally:
        make_model(lab.model)


@contextmanager
def empty_cache(host: Host, lab: Lab) -> Iterator[None]:
    """The mount is gone, and what is left is the folder below it."""
    host.hide(str(lab.share / "cache"))
    try:
        yield
    finally:
        host.free_mount(str(lab.share / "cache"))


@contextmanager
def hung_cache(host: Host, lab: Lab) -> Iterator[None]:
    """Every call on the cache blocks for ever."""
    place = str(lab.share / "cache")
    host.hang_mount(place)
    try:
        yield
    finally:
        host.free_mount(place)
