"""The OpenAPI document (3.1), made of the table of operations and of the types that they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from gateway.web.api.answers import ProblemAnswer
from gateway.web.api.auth import ACTOR_HEADER
from gateway.web.api.operations import (
    ERRORS,
    PATH_PARAMETERS,
    JsonAnswer,
    JsonBody,
    Operation,
    OtherAnswer,
    RawBody,
)
from gateway.web.api.repeats import HEADER, LONGEST_KEY
from gateway.web.api.scopes import ACTS_FOR_ANYBODY, ACTS_FOR_STAFF, Scope
from gateway.web.api.uploads import MOST_FILES
from gateway.web.problems import CONTENT_TYPE, TEMPORARY

Schema = dict[str, Any]

REF = "#/components/schemas/{model}"
DESCRIPTION = (
    "Tickets over HTTP, for portals and staff tools. Each token has one or more of the scopes "
    "`mails`, `staff`, `portal`, `read`, `held`, `outbox` and `registry`. Keys that are not "
    "required in an answer are only for the scopes `staff` and `read`."
)


class _Untitled(GenerateJsonSchema):
    """Without titles, which repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's
        return False


def document(operations: Sequence[Operation[Any]]) -> Schema:
    """The document as a value that `json.dumps` takes."""
    schemas, named = _schemas(operations)
    paths: dict[str, Schema] = {}
    for each in operations:
        query = named[each.query.__name__].get("properties", {})
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, query, schemas)
    queries = {each.query.__name__ for each in operations}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Postern", "version": "1", "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {name: named[name] for name in named if name not in queries},
            "responses": {
                _error_name(status): _error(status, text, schemas["problem"])
                for status, text in ERRORS.items()
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(operations: Iterable[Operation[Any]]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schema of each use of a type, and those that they refer to by name."""
    inputs: list[tuple[str, Any, TypeAdapter[Any]]] = [
        ("problem", "serialization", TypeAdapter(ProblemAnswer))
    ]
    for each in operations:
        inputs.append((f"query of {each.name}", "validation", TypeAdapter(each.query)))
        if isinstance(each.body, JsonBody):
            inputs.append((f"body of {each.name}", "validation", TypeAdapter(each.body.model)))
        if isinstance(each.answer, JsonAnswer):
            model = each.answer.model
            wanted = model | None if each.answer.or_null else model
            inputs.append((f"answer of {each.name}", "serialization", TypeAdapter(wanted)))
        for status, (_, model) in each.own_errors.items():
            key = f"{status} of {each.name}"
            inputs.append((key, "serialization", TypeAdapter(model)))
    found, whole = TypeAdapter.json_schemas(inputs, ref_template=REF, schema_generator=_Untitled)
    return {str(key): schema for (key, _), schema in found.items()}, whole["$defs"]


def _operation(
    operation: Operation[Any], query: dict[str, Schema], schemas: dict[str, Schema]
) -> Schema:
    made: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(operation),
            *_query_parameters(query),
            *_header_parameters(operation),
        ],
        "responses": {
            str(status): _response(operation, status, schemas) for status in operation.statuses
        },
        "security": [{"token": [scope.value]} for scope in operation.scopes],
    }
    if operation.body is not None:
        made["requestBody"] = {"required": True, "content": _body(operation, schemas)}
    return made


def _path_parameters(operation: Operation[Any]) -> Iterable[Schema]:
    for name in operation.parameters:
        parameter = PATH_PARAMETERS[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": parameter.description,
            "schema": dict(parameter.schema),
        }


def _query_parameters(query: dict[str, Schema]) -> Iterable[Schema]:
    """No parameter has to be there, except for a list with a least number."""
    for name, written in query.items():
        schema = _parameter_schema(written)
        yield {
            "name": name,
            "in": "query",
            "required": bool(schema.get("minItems")),
            "description": schema.pop("description").replace("\n", " "),
            "schema": schema,
        }


def _parameter_schema(schema: Schema) -> Schema:
    """Without null, and without a default of nothing: a parameter is there or not."""
    made = {key: value for key, value in schema.items() if key != "anyOf"}
    if not made.get("default", True):
        del made["default"]
    among: list[Schema] = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(among) == 1:
        return among[0] | made
    return made | {"anyOf": among} if among else made


def _header_parameters(operation: Operation[Any]) -> Iterable[Schema]:
    if {Scope.PORTAL, *ACTS_FOR_STAFF, *ACTS_FOR_ANYBODY}.intersection(operation.scopes):
        yield {
            "name": ACTOR_HEADER,
            "in": "header",
            "required": False,
            "description": "The address of the person for whom the request acts. The scopes "
            "`staff`, `portal` and `held` need it; with `outbox` and `registry` a staff person may "
            "be named.",
            "schema": {"type": "string"},
        }
    if operation.is_repeatable:
        yield {
            "name": HEADER,
            "in": "header",
            "required": False,
            "description": "A new key for each request, such as a UUID: a repeat with the same key "
            "gets the answer of the first request.",
            "schema": {"type": "string", "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
        }


def _body(operation: Operation[Any], schemas: dict[str, Schema]) -> Schema:
    match operation.body:
        case JsonBody(with_files=with_files):
            schema = schemas[f"body of {operation.name}"]
            content: Schema = {"application/json": {"schema": schema}}
            if with_files:
                content["multipart/form-data"] = _form(schema)
            return content
        case RawBody(content_type=content_type):
            return {content_type: {"schema": {"type": "string", "format": "binary"}}}
        case None:
            return {}
        case _:
            assert_never(operation.body)


def _form(schema: Schema) -> Schema:
    file = {"type": "string", "format": "binary"}
    return {
        "schema": {
            "type": "object",
            "properties": {
                "request": schema,
                "file": {"type": "array", "items": file, "maxItems": MOST_FILES},
            },
            "required": ["request"],
            "additionalProperties": False,
        },
        "encoding": {"request": {"contentType": "application/json"}},
    }


def _response(operation: Operation[Any], status: int, schemas: dict[str, Schema]) -> Schema:
    if status in operation.own_errors:
        text, _ = operation.own_errors[status]
        return _error(status, text, schemas[f"{status} of {operation.name}"])
    if status != operation.status:
        return {"$ref": f"#/components/responses/{_error_name(status)}"}
    made: Schema = {"description": "Done."}
    match operation.answer:
        case JsonAnswer(has_location=has_location):
            schema = schemas[f"answer of {operation.name}"]
            made["content"] = {"application/json": {"schema": schema}}
            if has_location:
                made["headers"] = {"Location": _text_header("The path of what was made.")}
        case OtherAnswer(content_types=content_types):
            made["content"] = {each: {} for each in content_types}
        case _:
            assert_never(operation.answer)
    return made


def _error_name(status: int) -> str:
    return f"Error{status}"


def _error(status: int, text: str, schema: Schema) -> Schema:
    made: Schema = {"description": text, "content": {CONTENT_TYPE: {"schema": schema}}}
    if status in TEMPORARY:
        made["headers"] = {"Retry-After": _text_header("The seconds to wait.")}
    return made


def _text_header(description: str) -> Schema:
    return {"description": description, "schema": {"type": "string"}}
