"""Farwend, the demo marketplace: grid, profile, trip planner, and Sage's answers as JSON."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from tracker.demo import experts, sage
from tracker.demo.portraits import portrait
from tracker.demo.scenes import scene
from tracker.store.access import list_tenants

QUERY_LIMIT = 300

blueprint = Blueprint("demo", __name__, url_prefix="/demo")


@blueprint.before_request
def only_where_samples_are() -> None:
    """404 in a production without sample data: nobody's real service has this page."""
    if current_app.extensions["settings"].development:
        return
    with current_app.extensions["database"].read(None) as session:
        if not any(tenant.kind == "sample" for tenant in list_tenants(session)):
            abort(404)


@blueprint.get("/", strict_slashes=False)
def grid() -> str:
    return render_template(
        "demo/grid.html",
        experts=experts.experts(),
        cities=experts.cities(),
        tags=experts.tags(),
        languages=experts.languages(),
        lowest=sage.LOWEST_RATE,
        highest=sage.HIGHEST_RATE,
        data=[expert.as_dict() for expert in experts.experts()],
    )


@blueprint.get("/experts/<expert_id>")
def profile(expert_id: str) -> str:
    expert = _expert_or_404(expert_id)
    nearby = [other for other in experts.experts() if other.city == expert.city and other != expert]
    return render_template("demo/profile.html", expert=expert, nearby=nearby[:3])


@blueprint.get("/plan")
def plan() -> str:
    return render_template(
        "demo/plan.html",
        cities=experts.cities(),
        city=request.args.get("city", "Lisbon"),
        data=[expert.as_dict() for expert in experts.experts()],
    )


@blueprint.get("/sage")
def ask_sage() -> ResponseReturnValue:
    """Sage's answer to `q`."""
    query = request.args.get("q", "").strip()[:QUERY_LIMIT]
    if not query:
        return jsonify(error="q: what are you looking for?"), 400
    return jsonify(asdict(sage.answer(query)))


@blueprint.get("/portraits/<expert_id>.svg")
def portrait_image(expert_id: str) -> Response:
    return _image(portrait(_expert_or_404(expert_id)))


@blueprint.get("/scenes/<expert_id>.svg")
def scene_image(expert_id: str) -> Response:
    return _image(scene(_expert_or_404(expert_id)))


def _expert_or_404(expert_id: str) -> Any:
    return experts.find(expert_id) or abort(404)


def _image(svg: str) -> Response:
    response = Response(svg, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
