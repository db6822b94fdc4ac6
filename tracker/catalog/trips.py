"""Trip creation: client analytics from the browser, telemetry from the servers."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tracker.catalog.base import EventType
from tracker.catalog.text import redact, redact_all

Duration = Annotated[float, Field(ge=0, le=1e12)]


class ClientAnalytics(EventType):
    """A page's own analytics: a flat object of scalars, whatever its keys."""

    domain: ClassVar[str] = "Trip creation"

    @model_validator(mode="after")
    def _is_flat(self) -> "ClientAnalytics":
        for key, value in (self.model_extra or {}).items():
            if isinstance(value, dict | list):
                raise PydanticCustomError(
                    "flat", "must be flat: {key} is not a scalar", {"key": key[:100]}
                )
        return self


class GenerateClicked(ClientAnalytics):
    """A visitor pressed the button that creates a trip."""

    name: ClassVar[str] = "create_trip__cta--generate"
    example: ClassVar[dict[str, Any]] = {"page": "planner", "travelers": 2}


class RoundtripToggled(ClientAnalytics):
    """A visitor switched between one way and round trip."""

    name: ClassVar[str] = "create_trip__toggle--roundtrip"
    example: ClassVar[dict[str, Any]] = {"on": True}


class RouteLockToggled(ClientAnalytics):
    """A visitor fixed the route, or left it open."""

    name: ClassVar[str] = "create_trip__toggle--route_lock"
    example: ClassVar[dict[str, Any]] = {"on": False}


class SectionExpanded(ClientAnalytics):
    """A visitor opened a section of the trip form."""

    name: ClassVar[str] = "create_trip__section--expand"
    example: ClassVar[dict[str, Any]] = {"section": "preferences"}


class ChunkRecovered(ClientAnalytics):
    """The app reloaded itself because a part of it could not be fetched."""

    name: ClassVar[str] = "app__chunk_recovery--reload"
    example: ClassVar[dict[str, Any]] = {"chunk": "planner", "attempt": 1}


class TripTelemetry(EventType):
    """Reported by a server; the three of one attempt share a `request_id`."""

    domain: ClassVar[str] = "Trip creation"
    writer: ClassVar[Literal["browser", "server"]] = "server"
    needs_request_id: ClassVar[bool] = True


class TripAttempted(TripTelemetry):
    """A server began to create a trip, from these inputs."""

    name: ClassVar[str] = "create_trip_attempted"
    example: ClassVar[dict[str, Any]] = {
        "input_snapshot": {"from": "Lisbon", "to": "Porto", "travelers": 2, "notes": "by train"},
        "effective_defaults": {"currency": "EUR"},
        "prompt_contract_version": "classic_v1",
    }

    input_snapshot: dict[str, Any]
    effective_defaults: dict[str, Any] | None = None
    prompt_contract_version: Annotated[str, Field(min_length=1, max_length=100)] = "classic_v1"

    @classmethod
    def redacted(cls, sent: dict[str, Any], phone_region: str) -> dict[str, Any]:
        notes = {key: sent[key] for key in ("input_snapshot", "effective_defaults") if key in sent}
        redacted: dict[str, Any] = redact_all(notes, phone_region)
        return sent | redacted


class TripSucceeded(TripTelemetry):
    """A trip was created."""

    name: ClassVar[str] = "create_trip_succeeded"
    example: ClassVar[dict[str, Any]] = {"trip_id": "trip_81f2", "duration_ms": 1840}

    trip_id: Annotated[str, Field(min_length=1, max_length=200)]
    duration_ms: Duration


class TripFailed(TripTelemetry):
    """A trip could not be created, and why."""

    name: ClassVar[str] = "create_trip_failed"
    example: ClassVar[dict[str, Any]] = {"error_code": "LLM_TIMEOUT", "duration_ms": 30000}

    error_code: Annotated[str, Field(min_length=1, max_length=100)]
    duration_ms: Duration | None = None

    @classmethod
    def redacted(cls, sent: dict[str, Any], phone_region: str) -> dict[str, Any]:
        code = sent.get("error_code")
        return sent | {"error_code": redact(code, phone_region)} if isinstance(code, str) else sent


TYPES = (
    GenerateClicked,
    RoundtripToggled,
    RouteLockToggled,
    SectionExpanded,
    ChunkRecovered,
    TripAttempted,
    TripSucceeded,
    TripFailed,
)
