"""A sheet with one booking, as its connector keeps it, and a home that holds it in every layer."""

import json

from tactics.config import Settings
from tactics.home import Home
from tactics.model import Finality, StreamKey, Window
from tactics.pipeline import Workspace
from tactics.pipeline.bronze import bronze_stage
from tactics.pipeline.gold import build_gold, gold_stage
from tactics.pipeline.silver import silver_stage
from tests.support import FakeClock
from tests.unit.pipeline.vendor import slice_of

FACTS = {"name": "Acme", "currency": "EUR", "timezone": "Europe/Vienna"}
SETTINGS = Settings.model_validate({"orgs": {"acme": {**FACTS, "sources": {"sheets": {}}}}})
SHEET = StreamKey("acme", "sheets", "s1", "bookings")


def read_sheet(workspace: Workspace, impressions: int = 1000) -> None:
    """Log what the sheet holds today, and carry it to bronze."""
    fetches = workspace.store.fetches
    today = workspace.clock.now().date()
    request_id = fetches.begin(slice_of(Window(today, today), SHEET), api_version="v4")
    cells = {"booking_id": "BK-1", "booked_impressions": impressions, "currency": "EUR"}
    days = {"flight_start": "2026-11-01", "flight_end": "2026-11-30"}
    facts = {"read": 1, "decimal": ".", "date_order": "DMY", "columns": {}}
    page = {**facts, "rows": [{"row": 2, "cells": cells | days, "extras": {}}]}
    fetches.append_page(request_id, json.dumps(page).encode(), request="{}")
    fetches.complete(request_id, days=[(today, Finality.OPEN)], replace=True)
    bronze_stage(workspace).drain()


def make_home(home: Home) -> Home:
    """Bring the sheet into every layer of a home."""
    with Workspace.open(SETTINGS, home.create(), FakeClock()) as workspace:
        read_sheet(workspace)
        silver_stage(workspace, []).drain()
        build_gold(gold_stage(workspace, frozenset()), frozenset())
    return home
