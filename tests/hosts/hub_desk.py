"""The lab with a hub at its control station, and caches that each host has for itself."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.recipes.recipe import load_recipe
from tests.hosts.lab import OWN_CACHE, Lab
from tests.hub.faults import Fault, Hold
from tests.hub.repository import Repository
from tests.hub.server import Hub
from tests.testbed.programs import poll

RECIPE = "awq-235b"
NAME = load_recipe(RECIPE).model


@dataclass
class Desk:
    """The lab, and a hub at its control station."""

    lab: Lab
    hub: Hub

    @property
    def made(self) -> Repository:
        return self.hub.repositories[NAME]

    @property
    def lock_file(self) -> Path:
        return self.lab.testbed.state / "models.lock"

    def etag(self, path: str) -> str:
        return self.made.commits[self.made.head][path].etag

    def held(self, path: str = "a.safetensors") -> Hold:
        """Let the next transfer of this file wait after a while."""
        hold = Hold()
        self.hub.fault(Fault(f"/cdn/{self.etag(path)}", after=1_000_000, hold=hold))
        return hold

    def pull(self, *words: str) -> str:
        return self.lab.ok("models", "pull", RECIPE, *words)

    def folder(self, commit: str = "") -> str:
        """The snapshot on a host that has a cache of its own."""
        name = NAME.replace("/", "--")
        return f"{OWN_CACHE}/hub/models--{name}/snapshots/{commit or self.made.head}"

    def whole(self, number: int, commit: str = "") -> bool:
        files = self.made.commits[commit or self.made.head]
        words = [f"{blob.sha256}  {path}" for path, blob in files.items()]
        check = f"cd {self.folder(commit)} && sha256sum -c --quiet -"
        done = self.lab.hosts[number - 1].run(check, input="\n".join(words) + "\n", check=False)
        return done.returncode == 0

    def no_program_is_left(self, number: int = 1) -> None:
        def ended() -> bool:
            return "host.download" not in str(self.lab.hosts[number - 1].processes())

        poll(ended, "the download ends")
