"""The files of a bundle as typed values; untrusted, so that errors are values; pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from cluster.errors import ConfigError, OrchestrateError
from orchestrator.audit.schema import (
    AUDIT,
    BUNDLE_FORMAT,
    BUNDLE_SCHEMA,
    LOCK,
    MANIFEST,
    NODES,
    RECIPE_JSON,
    SAMPLES,
    SERVER,
    Audit,
    Inventory,
    RecipeRecord,
)
from orchestrator.models.lockfile import LockedModel, ModelsLock
from orchestrator.models.verify.manifest import Manifest, parse_manifest
from orchestrator.records.provenance import Provenance
from orchestrator.sampling.file_format import Samples, parse_samples

Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class BundleContents:
    """The parts of a bundle. Without `audit` and `server` nothing can be compared."""

    audit: Audit | None
    server: Provenance | None
    inventory: Inventory | None = None
    made_of: RecipeRecord | None = None
    lock: LockedModel | None = None
    manifest: Manifest | None = None
    samples: Mapping[str, Samples] = field(default_factory=dict)
    opaque: Mapping[str, str] = field(default_factory=dict)  # samples of other formats, and why
    problems: tuple[tuple[str, str], ...] = ()  # (file, what is wrong)


class BundleReader:
    """Reads file by file and collects the problems."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.problems: list[tuple[str, str]] = []

    def read(
        self, name: str, parse: Callable[[bytes], Parsed], *, needed: bool = False
    ) -> Parsed | None:
        if name not in self.files:
            if needed:
                self.problems.append((name, "is missing: the bundle is not complete"))
            return None
        try:
            return parse(self.files[name])
        except ConfigError as error:
            self.problems.append((name, error.problems[0].what))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            self.problems.append((name, f"is not valid: {place} {first['msg']}"))
        except (ValueError, RecursionError) as error:
            self.problems.append((name, f"is not valid: {error}"))
        return None

    def read_samples(self) -> Iterator[tuple[str, Samples | str]]:
        for name in sorted(self.files):
            if name.startswith(SAMPLES):
                try:
                    yield name, parse_samples(self.files[name], name)
                except OrchestrateError as error:
                    yield name, f"{error.problems[0].where}: {error.problems[0].what}"


def parse_contents(files: Mapping[str, bytes]) -> BundleContents:
    reading = BundleReader(files)
    audit = reading.read(AUDIT, parse_audit, needed=True)
    server = reading.read(SERVER, TypeAdapter(Provenance).validate_json, needed=True)
    inventory = reading.read(NODES, Inventory.model_validate_json)
    made_of = reading.read(RECIPE_JSON, RecipeRecord.model_validate_json)
    lock = reading.read(LOCK, parse_lock_entry)
    manifest = reading.read(MANIFEST, lambda content: parse_manifest(content, MANIFEST))
    samples = dict(reading.read_samples())
    sessions = {name: each for name, each in samples.items() if isinstance(each, Samples)}
    opaque = {name: each for name, each in samples.items() if isinstance(each, str)}
    problems = tuple(reading.problems)
    return BundleContents(
        audit, server, inventory, made_of, lock, manifest, sessions, opaque, problems
    )


def parse_audit(content: bytes) -> Audit:
    audit = Audit.model_validate_json(content)
    if (audit.kind, audit.format) != (BUNDLE_SCHEMA, BUNDLE_FORMAT):
        raise ValueError(
            f"it is {audit.kind} {audit.format}, and this version knows {BUNDLE_FORMAT}"
        )
    return audit


def parse_lock_entry(content: bytes) -> LockedModel:
    models = ModelsLock.model_validate_json(content).models
    if len(models) != 1:
        raise ValueError(f"{len(models)} models; a bundle has the entry of one")
    return models[0]
