"""Mount a FUSE file system that never answers: every call that touches it blocks for ever.

Runs on a host, from standard input, with the path as its one argument; so it imports nothing of
ours. Does not end by itself: `umount --force` closes the connection, and the read then fails.
"""

import ctypes
import os
import struct
import sys

LARGEST_REQUEST = 1 << 20
REQUEST_HEADER = struct.Struct("<IIQ")  # length, operation, number; more follows
REPLY_HEADER = struct.Struct("<IiQ")  # length, error, number
# major, minor, readahead, flags, background, congestion, largest write, time grain, and padding
INIT_REPLY = struct.Struct("<IIIIHHII36x")
PROTOCOL = (7, 31)


def mount(path: str) -> int:
    """Mount at `path` and answer the kernel's greeting; return the open connection."""
    connection = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={connection},rootmode=40000,user_id=0,group_id=0".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hung", os.fsencode(path), b"fuse.hung", ctypes.c_ulong(0), options) < 0:
        raise OSError(ctypes.get_errno(), "mount", path)
    _, _, number = REQUEST_HEADER.unpack_from(os.read(connection, LARGEST_REQUEST))
    body = INIT_REPLY.pack(*PROTOCOL, 0, 0, 0, 0, 4096, 1)
    header = REPLY_HEADER.pack(REPLY_HEADER.size + len(body), 0, number)
    os.write(connection, header + body)
    return connection


def swallow(connection: int) -> None:
    """Take requests and answer none.

    They must be taken: a process whose request nobody has read can still be killed.
    """
    while True:
        try:
            os.read(connection, LARGEST_REQUEST)
        except OSError:  # unmounted by force
            return


if __name__ == "__main__":
    fuse = mount(sys.argv[1])
    if os.fork() == 0:
        os.setsid()
        swallow(fuse)
