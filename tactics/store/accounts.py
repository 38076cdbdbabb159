"""What vendors say of the accounts: name, currency, time zone. The newest word replaces the last."""

import datetime as dt
import json

from tactics.clock import Clock
from tactics.model import AccountInfo
from tactics.sql import load_statements
from tactics.store.codec import from_instant, to_instant
from tactics.store.database import Database

_SQL = load_statements("tactics.store", "ledger.sql")


class Accounts:
    """The accounts of all connections."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(self, org_id: str, source: str, account: AccountInfo) -> None:
        """Keep what the vendor says of an account."""
        parameters = {
            "org_id": org_id,
            "source": source,
            "account_id": account.account_id,
            "name": account.name,
            "currency": account.currency,
            "timezone": account.timezone,
            "facts": json.dumps(account.facts, sort_keys=True),
            "now": to_instant(self._clock.now()),
        }
        self._database.write(_SQL["put_account"], parameters)

    def get(
        self, org_id: str, source: str, account_id: str
    ) -> tuple[AccountInfo, dt.datetime] | None:
        """Return what is known of an account, and since when."""
        parameters = {"org_id": org_id, "source": source, "account_id": account_id}
        row = self._database.read_one(_SQL["get_account"], parameters)
        if row is None:
            return None
        account_id, name, currency, timezone, facts, fetched_at = row
        info = AccountInfo(account_id, name, currency, timezone, json.loads(facts))
        return info, from_instant(fetched_at)
