"""The service keeps to its OpenAPI description, whatever is sent. Never a 5xx."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import dispose, make_app, make_key
from tracker.catalog.openapi import describe

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def service(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    path = tmp_path_factory.mktemp("openapi") / "tracker.db"
    shutil.copy(sqlite_template, path)
    app = make_app(f"sqlite:///{path}", {"TRACKER_RATE_LIMIT": "1000000/minute"})
    yield app
    dispose(app)


@pytest.fixture(scope="module")
def key(service: Flask) -> str:
    return make_key(service, "default", ("write", "read"))


OPERATIONS = [
    f"{method.upper()} {path}" for path, item in describe()["paths"].items() for method in item
]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_keeps_to_its_description(
    service: Flask, key: str, operation: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", service)
    (found,) = [one.ok() for one in schema.get_all_operations() if one.ok().label == operation]

    @settings(
        max_examples=25,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=found.as_strategy(mode))
    def keeps_to_it(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    assert found.label == operation
    try:
        keeps_to_it()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing in the request that could be wrong
