"""Step 4: DataGuard looks at what is about to be used."""

from tactics.guard import GuardReport, run_checks
from tactics.pipeline.views import open_silver
from tactics.pipeline.workspace import Workspace


def check_silver(workspace: Workspace) -> GuardReport:
    """Return what the checks find in the silver tables as they are now."""
    connection = open_silver(workspace)
    try:
        return run_checks(connection, workspace.settings.guard)
    finally:
        connection.close()
