"""Read-only SQL over gold tables and silver and bronze views, for `tactics sql`."""

from tactics.lake import TABLES
from tactics.pipeline.workspace import Workspace


def query(workspace: Workspace, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return column names and rows of `sql`: gold by table name, silver as `silver.<table>`.

    Raises:
        ConfigError: the statement is wrong, or would write.
        NotFoundError: no generation was published yet.
    """
    views = {
        f"{spec.namespace}.{table}": workspace.lake.relation_sql(table)
        for table, spec in TABLES.items()
    }
    answer = workspace.gold.query(sql, views=views, folders=workspace.lake.folders())
    return list(answer.columns), list(answer.rows)
