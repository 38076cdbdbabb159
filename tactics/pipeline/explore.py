"""Read-only SQL over gold tables and silver and bronze views, for `tactics sql`."""

from tactics import duck
from tactics.errors import ConfigError
from tactics.lake import TABLES
from tactics.pipeline.workspace import Workspace


def query(workspace: Workspace, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return column names and rows of `sql`; gold by table name, silver as `silver.<table>`.

    Raises:
        ConfigError: the statement is refused (syntax, unknown table, or it would write).
    """
    current = workspace.gold.current()
    folders = [*workspace.lake.folders(), workspace.home.gold]
    connection = duck.connect(
        current, workspace.limits, read_only=current is not None, folders=folders
    )
    try:
        for namespace in ("silver", "bronze"):
            connection.execute(f"ATTACH ':memory:' AS {namespace}")
        for table, spec in TABLES.items():
            source = workspace.lake.relation_sql(table)
            connection.execute(f"CREATE VIEW {spec.namespace}.{table} AS FROM {source}")
        cursor = connection.execute(sql)
        return [item[0] for item in cursor.description or ()], cursor.fetchall()
    except duck.DuckError as exc:
        raise ConfigError("the query is refused", hint="tables: `SHOW ALL TABLES`") from exc
    finally:
        connection.close()
