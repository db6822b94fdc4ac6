"""`/api/openapi.json`: the wire contract, generated from the catalog."""

from flask import Response, jsonify

from tracker.catalog.openapi import describe


def openapi() -> Response:
    return jsonify(describe())
