"""/catalog/<event type>: what its payload holds."""

from flask.testing import FlaskClient

from tests.dashboard.reading import in_words, panel_of
from tracker.catalog import CATALOG


def test_the_page_of_every_event_type_tells_the_fields_of_its_payload(
    operator: FlaskClient,
) -> None:
    for name, event in CATALOG.items():
        told = in_words(panel_of(operator.get(f"/catalog/{name}").text, "payload"))
        assert "could not be worked out" not in told, name
        assert all(field in told for field in event.payload_schema().get("properties", {})), name


def test_a_field_of_several_types_names_them_all(operator: FlaskClient) -> None:
    told = in_words(panel_of(operator.get("/catalog/filter_change").text, "payload"))
    assert "boolean or number or string or array" in told
