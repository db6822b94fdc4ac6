"""What visitors do on the marketplace. Sent by browsers; servers may send them too."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from tracker.catalog.base import Columns, EventType
from tracker.catalog.text import canonical_value, normal_query, redact, without_addresses

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
ExpertId = Annotated[str, Field(min_length=1, max_length=200)]
Context = Literal["grid", "sage_panel"]
ViewId = Annotated[str, Field(min_length=1, max_length=128)]


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "must not be blank")
    return text


def _scalar_or_array(value: Any) -> Any:
    if value is None or isinstance(value, dict):
        rule = "must be a string, a number, true, false or an array"
        raise PydanticCustomError("filter_value", rule)
    return value


FilterValue = Annotated[
    JsonValue,
    AfterValidator(_scalar_or_array),
    WithJsonSchema({"type": ["boolean", "number", "string", "array"]}),
]


class Marketplace(EventType):
    domain: ClassVar[str] = "Marketplace"
    chosen: ClassVar[str] = ""
    """The field with what was set in filters, of which one may be a box to type into."""

    @classmethod
    def redacted(cls, sent: dict[str, Any], phone_region: str) -> dict[str, Any]:  # noqa: ARG003
        """The payload to keep: as sent, but for e-mail addresses in filters."""
        if cls.chosen not in sent:
            return sent
        return sent | {cls.chosen: without_addresses(sent[cls.chosen])}


class CardClick(Marketplace):
    """A visitor opened an expert's card, in the grid or in Sage's answer."""

    name: ClassVar[str] = "card_click"
    chosen: ClassVar[str] = "filters"
    example: ClassVar[dict[str, Any]] = {
        "expert_id": "exp_042",
        "context": "grid",
        "position": 3,
        "filters": {"language": "English", "rate": [50, 120]},
        "view_id": "0199f3a2-6d1c-7c3e-9a51-0f2d4c8b7e10",
    }

    expert_id: ExpertId
    context: Context
    position: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    filters: dict[str, Any] | None = None
    view_id: ViewId | None = None

    def columns(self) -> Columns:
        return {
            "expert_id": self.expert_id,
            "context": self.context,
            "position": self.position,
        }


class SageQuery(Marketplace):
    """A visitor asked Sage, and Sage answered; sent when the answer is there."""

    name: ClassVar[str] = "sage_query"
    example: ClassVar[dict[str, Any]] = {
        "query_text": "tax adviser for freelancers in Lisbon",
        "function_called": "search_experts",
        "result_count": 2,
        "expert_ids": ["exp_042", "exp_107"],
        "zero_results": False,
        "view_id": "0199f3a2-6d1c-7c3e-9a51-0f2d4c8b7e11",
    }

    query_text: Annotated[str, Field(min_length=1), AfterValidator(_not_blank)]
    function_called: Literal["apply_filters", "search_experts"]
    result_count: Count | None = None
    expert_ids: Annotated[list[ExpertId], Field(max_length=200)]
    zero_results: bool | None = None
    view_id: ViewId | None = None

    @model_validator(mode="after")
    def _counts_agree(self) -> "SageQuery":
        if self.result_count is None and self.function_called == "search_experts":
            raise PydanticCustomError(
                "result_count", "is required when function_called is search_experts"
            )
        if None not in (self.result_count, self.zero_results) and self.zero_results != (
            self.result_count == 0
        ):
            raise PydanticCustomError("zero_results", "must be true exactly when result_count is 0")
        return self

    @classmethod
    def redacted(cls, sent: dict[str, Any], phone_region: str) -> dict[str, Any]:
        text = sent.get("query_text")
        return sent | {"query_text": redact(text, phone_region)} if isinstance(text, str) else sent

    def columns(self) -> Columns:
        return {
            "query": normal_query(self.query_text),
            "function_called": self.function_called,
            "result_count": self.result_count,
            "zero_results": self.result_count == 0
            if self.zero_results is None
            else self.zero_results,
        }


class FilterChange(Marketplace):
    """A visitor set a filter. Only setting counts; clearing one sends nothing."""

    name: ClassVar[str] = "filter_change"
    chosen: ClassVar[str] = "value"
    example: ClassVar[dict[str, Any]] = {"filter": "rate", "value": [50, 120], "result_count": 17}

    filter: Annotated[str, Field(min_length=1, max_length=100)]
    value: FilterValue
    result_count: Count

    def columns(self) -> Columns:
        return {
            "filter_name": self.filter,
            "filter_value": canonical_value(self.value),
            "result_count": self.result_count,
            "zero_results": self.result_count == 0,
        }


class ResultsShown(Marketplace):
    """A list of experts was shown: the impressions that click-through is divided by."""

    name: ClassVar[str] = "results_shown"
    chosen: ClassVar[str] = "filters"
    example: ClassVar[dict[str, Any]] = {
        "view_id": "0199f3a2-6d1c-7c3e-9a51-0f2d4c8b7e12",
        "context": "grid",
        "expert_ids": ["exp_007", "exp_042", "exp_107"],
        "filters": {"language": "English"},
        "result_count": 3,
    }

    view_id: ViewId
    context: Context
    expert_ids: Annotated[list[ExpertId], Field(max_length=200)]
    filters: dict[str, Any] | None = None
    result_count: Count | None = None

    def columns(self) -> Columns:
        return {"context": self.context, "result_count": self.result_count}


TYPES = (CardClick, SageQuery, FilterChange, ResultsShown)
