"""The floor: parse and type the pages, lying on disk, with DuckDB alone.

Prints rows, spend, and the seconds that it took without starting a process.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import duckdb

FIELDS = (
    "account_id,account_currency,campaign_id,campaign_name,impressions,clicks,spend,"
    "actions,action_values,video_play_actions,date_start,date_stop"
)
TYPED = """
    CREATE TABLE rows AS
    WITH records AS (
        SELECT unnest(from_json(content, '{"data":[{"account_id":"VARCHAR","campaign_id":"VARCHAR",
            "campaign_name":"VARCHAR","account_currency":"VARCHAR","impressions":"VARCHAR",
            "clicks":"VARCHAR","spend":"VARCHAR","date_start":"VARCHAR",
            "actions":[{"action_type":"VARCHAR","value":"VARCHAR"}],
            "action_values":[{"action_type":"VARCHAR","value":"VARCHAR"}]}]}').data) AS r
        FROM read_text(?)
    )
    SELECT r.account_id, r.campaign_id, r.campaign_name, r.account_currency AS currency,
           TRY_CAST(r.date_start AS DATE) AS date, TRY_CAST(r.impressions AS BIGINT) AS impressions,
           TRY_CAST(r.clicks AS BIGINT) AS clicks, TRY_CAST(r.spend AS DECIMAL(15, 2)) AS spend,
           TRY_CAST(list_filter(r.actions, lambda a: a.action_type = 'omni_purchase')[1].value
                    AS DECIMAL(15, 4)) AS conversions,
           TRY_CAST(list_filter(r.action_values, lambda a: a.action_type = 'omni_purchase')[1].value
                    AS DECIMAL(15, 2)) AS conversion_value
    FROM records
"""


def download(folder: Path, url: str, token: str, window: dict[str, str]) -> None:
    """Keep every page as a file."""
    folder.mkdir(parents=True)
    query = {
        "access_token": token,
        "level": "campaign",
        "time_increment": "1",
        "time_range": json.dumps(window),
        "fields": FIELDS,
        "limit": "500",
    }
    number = 0
    while True:
        with urlopen(f"{url}?{urlencode(query)}") as answer:
            body = answer.read()
        (folder / f"{number:06d}.json").write_bytes(body)
        number += 1
        paging = json.loads(body[body.rindex(b'"paging":') + len(b'"paging":') : -1])
        if "next" not in paging:
            return
        query["after"] = paging["cursors"]["after"]


def main() -> None:
    """Download, or parse what was downloaded."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--download", nargs=5, metavar="WORD")
    given = parser.parse_args()
    if given.download:
        base, account, token, since, until = given.download
        url = f"{base}/v26.0/{account}/insights"
        download(given.folder, url, token, {"since": since, "until": until})
        return
    connection = duckdb.connect(config={"threads": "2"})
    wall, cpu = time.perf_counter(), time.process_time()
    connection.execute(TYPED, [str(given.folder / "*.json")])
    cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    rows, spend = connection.execute("SELECT count(*), sum(spend) FROM rows").fetchall()[0]
    sys.stdout.write(json.dumps({"rows": rows, "spend": str(spend), **cost}))


if __name__ == "__main__":
    main()
