"""The keys that a Klaviyo connection may set. Decides nothing."""

from pydantic import Field

from tactics.connectors.base import Options


class KlaviyoOptions(Options):
    """What `[orgs.<org>.sources.klaviyo]` may say besides the common keys."""

    conversion_metric: str = Field(
        "Placed Order", min_length=1, description="name of the metric that counts as a conversion"
    )
    conversion_integration: str | None = Field(
        None,
        min_length=1,
        pattern=r'^[^"\\]+$',  # it is quoted in a filter
        description="integration of that metric, when several have one of this name",
    )
    conversion_metric_id: str | None = Field(
        None,
        pattern=r"^\w+$",
        description="id of that metric; nothing is looked up then",
    )
