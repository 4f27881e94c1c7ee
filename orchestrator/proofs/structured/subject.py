"""Which schemas are tested, and the request for a value of each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from cluster.errors import Problem, UsageError
from orchestrator.api.prompt import Prompt
from orchestrator.api.request import Call
from orchestrator.api.schema import Schema, read_schema

SCHEMAS_PACKAGE = "orchestrator.proofs.structured"
QUESTION = (
    "Invent an example of what this JSON schema describes. Keep it short. "
    "Answer with the JSON alone.\n\n"
)


@dataclass(frozen=True)
class SchemaSubject:
    """One schema; `name` is that of a built-in schema, or the path of a file."""

    name: str
    schema: Schema


@dataclass(frozen=True)
class Sampling:
    """How each schema is sampled; all seeds derive from `seed`."""

    samples: int = 5
    max_tokens: int = 1024
    temperature: float = 0.7
    seed: int = 424242

    def seed_of(self, subject: SchemaSubject, number: int) -> int:
        """Depends only on name and number, not on what else is tested."""
        text = f"{self.seed}/{subject.name}/{number}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1

    def call(self, model: str, subject: SchemaSubject, number: int) -> Call:
        prompt = Prompt(
            QUESTION + json.dumps(subject.schema, indent=1, ensure_ascii=False),
            schema=subject.schema,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            seed=self.seed_of(subject, number),
        )
        return prompt.call(model)


def read_subjects(paths: Sequence[str]) -> tuple[SchemaSubject, ...]:
    """The schemas of the files and folders, else the built-in ones.

    Raises UsageError for a file that is not a JSON schema, and for a folder without one.
    """
    if not paths:
        return built_in_schemas()
    files = dict.fromkeys(file for path in paths for file in schema_files(path))
    return tuple(SchemaSubject(file, read_schema(file)) for file in files)


def schema_files(path: str) -> list[str]:
    folder = Path(path).expanduser()
    if not folder.is_dir():
        return [path]
    found = sorted(str(file) for file in folder.glob("*.json"))
    if not found:
        raise UsageError(Problem("no *.json in this folder", path))
    return found


def built_in_schemas() -> tuple[SchemaSubject, ...]:
    folder = resources.files(SCHEMAS_PACKAGE) / "schemas"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    schemas = ((file.name, json.loads(file.read_text("utf-8"))) for file in files)
    return tuple(SchemaSubject(name.removesuffix(".json"), schema) for name, schema in schemas)
