"""Modes of what is written into a model cache, which hosts and users may share.

As the hub's own library does, the umask decides who reads it, and whether the group may write: with
a umask of 002 and a set-group-id folder a group shares a cache. That everybody may write it, as a
umask of 0 would have it, is never taken over: a model is code and weights.
"""

from __future__ import annotations

import os


def keep_from_others() -> None:
    """For this whole process and what it starts: nobody but the owner and the group writes."""
    os.umask(os.umask(0o077) | 0o002)
