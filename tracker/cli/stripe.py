"""`flask stripe set-secret`: the signing secret of a tenant's Stripe webhook."""

import sys

import click
from flask import Flask, current_app

from tracker.cli import Commands
from tracker.store.access import COMMAND_LINE, require_tenant
from tracker.store.secrets import STRIPE, remove_secret, set_secret

stripe_group = Commands("stripe", help="Stripe's webhooks.")


def register(app: Flask) -> None:
    app.cli.add_command(stripe_group)


@stripe_group.command("set-secret")
@click.argument("tenant")
def set_stripe_secret(tenant: str) -> None:
    """Keep the signing secret (whsec_...) of TENANT's webhook, read from standard input."""
    secret_key = current_app.extensions["settings"].secret_key
    secret = sys.stdin.readline()
    with current_app.extensions["database"].write() as connection:
        set_secret(connection, tenant, STRIPE, secret, COMMAND_LINE, secret_key)
    click.echo(f"Stripe reports to POST /api/webhooks/stripe/{tenant}", err=True)


@stripe_group.command("remove-secret")
@click.argument("tenant")
def remove_stripe_secret(tenant: str) -> None:
    """Take no more of Stripe's webhooks for TENANT."""
    with current_app.extensions["database"].write() as connection:
        require_tenant(connection, tenant)
        remove_secret(connection, tenant, STRIPE, COMMAND_LINE)
