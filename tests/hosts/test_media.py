"""The media server: up with a model that wants it, shut to everything else, down with teardown."""

import json
from pathlib import Path

import pytest

from orchestrator.proofs.vision.cases import media_file
from tests.hosts.lab import ALONE, Lab
from tests.support.foreign import listener
from tests.testbed.host import Host

pytestmark = pytest.mark.hosts
RECIPE = """\
description = "tiny, with a media server"
model = "tiny"
made = "tiny"
served_name = "tiny"
port = 8200
[media]
folder = "{folder}"
port = {port}
[args]
max_model_len = 2048
"""
PORT = 8080
HERE = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def alone(lab: Lab) -> Lab:
    lab.use(nodes=ALONE)
    return lab


def recipe(lab: Lab, *, folder: str = "~/pictures", port: int = PORT) -> tuple[str, ...]:
    """The words of `serve` for a recipe with that media table."""
    path = Path(lab.testbed.state) / "seeing.toml"
    path.write_text(RECIPE.format(folder=folder, port=port))
    return "serve", "--recipe", str(path)


def curl(host: Host, *words: str) -> str:
    return host.run(["curl", "-sS", "--max-time", "10", "--path-as-is", *words]).stdout


def code(host: Host, path: str) -> str:
    return curl(host, "-o", "/dev/null", "-w", "%{http_code}", HERE + path)


def test_from_serve_to_teardown(alone: Lab) -> None:
    """It gives ranges of what lies in its folder, and nothing else; then it is gone."""
    head = alone.hosts[0]
    dry = alone.ok(*recipe(alone), "--dry-run")
    assert dry.index("start the media server") < dry.index("start vLLM")
    assert "--allowed-media-domains 127.0.0.1 localhost" in dry
    assert "VLLM_MEDIA_URL_ALLOW_REDIRECTS=0" in dry
    assert not head.run("ls ~/pictures", check=False).stdout

    alone.ok(*recipe(alone))
    head.run("printf 0123456789 > ~/pictures/film.mp4; echo secret > ~/secret.png")
    head.run("ln -s ~/secret.png ~/pictures/link.png")
    assert curl(head, "-r", "2-5", f"{HERE}/film.mp4") == "2345"
    said = curl(head, "-I", f"{HERE}/film.mp4")
    assert "200 OK" in said
    assert "video/mp4" in said
    for path in ("/", "/../secret.png", "/%2e%2e/secret.png", "/..%2fsecret.png", "/link.png"):
        assert code(head, path) == "404", path
    assert code(head, "//root/secret.png") == "404"
    elsewhere = f"http://{head.fast}:{PORT}/film.mp4"
    assert alone.hosts[1].run(["curl", "-sS", elsewhere], check=False).returncode == 7

    seen = {each["name"]: each for each in json.loads(alone.ok("status", "--json"))["services"]}
    media = seen["media"]
    assert (media["state"], media["url"], media["host"]) == ("ready", f"{HERE}/", "h1")
    assert media["detail"] == "/root/pictures"
    assert "film.mp4" in alone.ok("logs", "media")
    assert "startup complete" in alone.ok("logs")
    assert len([line for line in head.marked("").values() if "media_server" in line]) == 1

    assert "runs already" in alone.run(*recipe(alone)).stderr
    said = alone.fails(*recipe(alone, folder="~/others"))
    assert "the media server runs already, for /root/pictures at port 8080" in said

    assert "media stopped" in alone.ok("teardown", "--yes")
    alone.nothing_left()
    assert head.run(["curl", "-sS", HERE], check=False).returncode == 7


def test_pictures_are_fetched_from_it_and_taken_away(
    alone: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in sees nothing, so that the test fails; but it fetches as vLLM does."""
    monkeypatch.chdir(tmp_path)  # where artifacts shall lie
    alone.ok(*recipe(alone))
    done = alone.run("test", "vision", "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    said = {each["case"]: each["answer"] for each in report["answers"]}
    assert said["image by URL"] == f"{len(media_file('blue.png'))} bytes"
    assert said["video by URL"] == f"{len(media_file('video.avi'))} bytes"
    states = {each["check"]: each["state"] for each in report["findings"]}
    assert states["URL from elsewhere"] == "pass"
    assert states["red picture"] == "failure"
    assert "orchestrate-test" not in alone.hosts[0].run("ls -A ~/pictures").stdout


def test_a_media_server_that_died_is_started_again_and_the_model_goes_on(alone: Lab) -> None:
    head = alone.hosts[0]
    alone.ok(*recipe(alone))
    before = model_of(head)
    pids = [str(pid) for pid, line in head.marked("").items() if "media_server" in line]
    head.run(["kill", "-9", *pids])
    assert alone.run("status").returncode == 1
    alone.ok(*recipe(alone))
    assert model_of(head) == before
    assert code(head, "/nothing.png") == "404"


def model_of(host: Host) -> set[int]:
    return {pid for pid, line in host.marked("").items() if "vllm serve" in line}


def test_somebody_else_has_its_port(alone: Lab) -> None:
    with listener(alone.hosts[0], PORT) as pid:
        said = alone.fails(*recipe(alone))
        assert f"h1: port {PORT} on 0.0.0.0 is taken by pid {pid}" in said
        assert "choose another `port` in [media] of the recipe" in said
    alone.nothing_left()


def test_a_folder_that_cannot_be(alone: Lab) -> None:
    """What was started for the model goes down again, and the reason stands in the log."""
    said = alone.fails(*recipe(alone, folder="/dev/null/pictures"))
    assert "h1: the media server exited with code 1: NotADirectoryError" in said
    alone.nothing_left()
    assert "Not a directory" in alone.ok("logs", "media")


def test_a_model_that_dies_takes_its_media_server_along(alone: Lab) -> None:
    alone.fails(*recipe(alone), "--set", "env.STAND_IN_DIES=1")
    alone.nothing_left()
