"""Schemathesis asks every route of the OpenAPI document, rightly and wrongly: each answer is one that the document has.

TAPEHUB_EXAMPLES=200 asks so many questions of each route instead of the few of the default suite.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from actors.gateway.rendering.formats import MEDIA_TYPES
from tests.support.paths import short_folder
from tests.unit.actors.gateway.api.desk import Desk, desk_of
from tests.unit.actors.gateway.api.filling import fill

EXAMPLES = int(os.environ.get("TAPEHUB_EXAMPLES", "1"))
ALWAYS = [
    checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance,
    checks.response_headers_conformance,
]  # fmt: skip
WRONG = [*ALWAYS, checks.negative_data_rejection]
BUGS = (500, 502)
"""503 and 504 are answers: somebody else is not there."""
CHUNKS = 2
READS = {"Instruments", "Market", "Order flow", "Events", "History"}
TAGS = {
    "Instruments", "Market", "Order flow", "Events", "History", "Operations", "Push", "Health", "Session",
    "Old routes",
}  # fmt: skip


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with short_folder() as folder, desk_of(Path(folder)) as made:
        fill(made)
        yield made


@pytest.fixture(scope="module")
def document(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = desk.data("/openapi.json")
    return found


@pytest.fixture(scope="module")
def schema(desk: Desk) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", desk.app)


def operations_of(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def misfits(raw: dict[str, Any], case: Any, answer: Any) -> list[str]:
    """What of a JSON answer is not as its schema says: looked at by itself too, not through schemathesis alone."""
    responses = raw["paths"][case.path][case.method.lower()]["responses"]
    content = responses.get(str(answer.status_code), {}).get("content", {})
    described = content.get(answer.headers.get("content-type", [""])[0], {}).get("schema", {})
    if not described or described.get("type") == "string":
        return []
    validator = jsonschema_rs.validator_for({**described, "components": raw["components"]})
    return [str(fault)[:500] for fault in validator.iter_errors(answer.json())]


def ask(operation: Any, mode: GenerationMode, wanted: list[Any]) -> None:
    def asked(case: Any) -> None:
        answer = case.call()
        assert not misfits(operation.schema.raw_schema, case, answer), case.as_curl_command()
        assert answer.status_code not in BUGS, f"{case.as_curl_command()}: {answer.text}"
        case.validate_response(answer, checks=wanted)

    quick = settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    try:
        quick(given(operation.as_strategy(generation_mode=mode))(asked))()
    except Unsatisfiable:  # a route without parameters cannot be asked wrongly
        assert mode is GenerationMode.NEGATIVE


@pytest.mark.parametrize("part", range(CHUNKS))
def test_every_answer_is_one_of_the_document(schema: Any, part: int) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations[part::CHUNKS]:
        ask(operation, GenerationMode.POSITIVE, ALWAYS)
        ask(operation, GenerationMode.NEGATIVE, WRONG)


def test_the_check_finds_an_answer_that_is_not_in_the_document(schema: Any, document: dict[str, Any]) -> None:
    case = schema["/api/v1/topics"]["GET"].Case()
    answer = case.call()
    assert not misfits(document, case, answer)
    text = msgspec.json.encode(document).replace(b'"rate_per_s":{', b'"rate_per_hour":{')
    assert misfits(msgspec.json.decode(text), case, answer)


def test_operations_have_ids_tags_and_words(document: dict[str, Any]) -> None:
    operations = operations_of(document)
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))
    for path, _, operation in operations:
        if path.startswith("/api/v1/"):
            assert set(operation.get("tags", [])) <= TAGS, path
    reads = [one for one in operations if set(one[2].get("tags", [])) & READS]
    assert len(reads) >= 20
    for path, _, operation in reads:
        assert operation.get("description"), path
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (path, parameter["name"])
            is_shown = {"example", "examples", "enum"} & {*parameter, *parameter["schema"]}
            assert is_shown, (path, parameter["name"])
            assert "anyOf" not in parameter["schema"], (path, parameter["name"])


def test_every_route_says_how_it_refuses(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document), "FastAPI's own refusal is replaced"
    for path, _, operation in operations_of(document):
        if path.startswith("/api/v1/"):
            assert "application/problem+json" in operation["responses"]["400"]["content"], path
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_reads_have_every_form(document: dict[str, Any]) -> None:
    for path in ("/api/v1/bars/{symbol}", "/api/v1/quotes/{symbol}", "/api/v1/news"):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        assert set(content) == set(MEDIA_TYPES.values())


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = msgspec.json.encode(document).decode()
    named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= set(document["components"]["schemas"])
    assert "BarRow" in named
