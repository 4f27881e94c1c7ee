"""The test's pictures and video in the media server's folder, for as long as the test lasts."""

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cluster.errors import HostError
from cluster.transport.call import call_guarded
from orchestrator.api.target import Target
from orchestrator.host.media_files import PREFIX
from orchestrator.serving.endpoint import Endpoint, endpoints
from orchestrator.serving.media import MEDIA

WRITE_LIMIT_S = 10.0


def media_beside(target: Target) -> Endpoint | None:
    """The media server of the model's host, where it runs."""
    return endpoints(target.home.host).get(MEDIA) if target.home else None


@contextmanager
def served_files(target: Target, files: Mapping[str, bytes]) -> Iterator[str | None]:
    """The address of the files; None where there is no media server. Raises HostError."""
    media = media_beside(target)
    if media is None:
        yield None
        return
    name = PREFIX + secrets.token_hex(6)
    folder = {"folder": media.folder, "name": name}
    encoded = {each: base64.b64encode(content).decode() for each, content in files.items()}
    write_media(target, {**folder, "files": encoded})
    try:
        yield f"{media.url}{name}"
    finally:
        write_media(target, folder)


def write_media(target: Target, request: Mapping[str, Any]) -> None:
    assert target.home
    node = target.home.host.node
    name = "orchestrator.host.media_files"
    done = call_guarded(target.home.transport, node, name, dict(request), WRITE_LIMIT_S)
    if done.hangs or done.code:
        what = "it hangs" if done.hangs else done.last_line or "it cannot be written"
        raise HostError(node.name, f"the media folder {request['folder']}: {what}")
