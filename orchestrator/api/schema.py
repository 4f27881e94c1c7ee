"""JSON schemas: read, asked for, and judged; the one importer of jsonschema."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from cluster.errors import Problem, UsageError

SHOWN = 5  # mistakes in one message
Schema = Mapping[str, Any]


def read_schema(path: str) -> Schema:
    """Raises UsageError for what is no JSON schema."""
    try:
        schema = json.loads(Path(path).expanduser().read_text("utf-8"))
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", path)) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(Problem(f"not valid JSON: {error}", path)) from None
    if not isinstance(schema, dict):
        raise UsageError(Problem("not a JSON schema: an object is expected", path))
    require_schema(schema, path)
    return schema


def require_schema(schema: Schema, where: str = "schema") -> None:
    """Raises UsageError with the place of the mistake."""
    try:
        jsonschema.validators.validator_for(schema, DEFAULT).check_schema(schema)
    except jsonschema.SchemaError as error:
        place = f"{where}{error.json_path[1:]}"
        raise UsageError(Problem(f"not a JSON schema: {error.message}", place)) from None
    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    resolve_all(resource, Registry().resolver_with_root(resource), where)


def resolve_all(resource: Resource[Any], resolver: Any, where: str) -> None:
    """Raises UsageError for the first reference that leads nowhere."""
    contents = resource.contents
    for key in ("$ref", "$dynamicRef"):
        reference = contents.get(key) if isinstance(contents, dict) else None
        try:
            if isinstance(reference, str):
                resolver.lookup(reference)
        except Unresolvable:
            what = f"not a JSON schema: refers to what it does not hold: {reference}"
            raise UsageError(Problem(what, where)) from None
    for inner in resource.subresources():
        resolve_all(inner, resolver.in_subresource(inner), where)


DEFAULT = jsonschema.Draft202012Validator


def response_format(schema: Schema) -> dict[str, Any]:
    """What makes the server hold its answer to the schema."""
    wanted = {"name": "answer", "schema": dict(schema), "strict": True}
    return {"type": "json_schema", "json_schema": wanted}


def judged(text: str, schema: Schema) -> tuple[Any, tuple[str, ...]]:
    """The value that the text holds, and what is wrong with it: the place and the mistake.

    Nothing is fetched for a schema. Raises UsageError where it refers to what it does not hold.
    """
    try:
        value = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        return None, (f"not valid JSON: {error}",)
    validator = jsonschema.validators.validator_for(schema, DEFAULT)(schema, registry=Registry())
    try:
        errors = sorted(validator.iter_errors(value), key=lambda error: error.json_path)
    except Unresolvable as error:
        raise UsageError(Problem(f"refers to what it does not hold: {error}", "schema")) from None
    return value, tuple(f"{error.json_path}: {error.message}" for error in errors[:SHOWN])


def refuse(name: str) -> NoReturn:
    """Python reads NaN and Infinity, JSON has neither."""
    raise ValueError(f"{name} is not JSON")
