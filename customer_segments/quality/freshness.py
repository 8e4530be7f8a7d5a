"""When a month is overdue: a day after the monthly refresh, by Dagster's own freshness.

Belongs here: by when assets have to be materialized, whoever starts it. Does not: whether the
data reaches the month's last days (the check ``awaited_month``).
"""

from datetime import timedelta

import dagster as dg

from customer_segments.installation import Installation

# The refresh is at 5 on the 2nd; a file may come from the 1st on and start it earlier.
DEADLINE_CRON = "0 5 3 * *"
SINCE_THE_FIRST = timedelta(days=2, hours=5)
# Where data enters, and what it is all for.
DUE_ASSETS = {dg.AssetKey("raw_transactions"), dg.AssetKey("customer_segments")}


def with_freshness(
    assets: list[dg.AssetsDefinition | dg.AssetSpec], installed: Installation
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return the assets, those that are due each month with a policy that says so.

    A historical file has no month to come: nothing in it is ever overdue.
    """
    if not installed.months.is_open:
        return assets
    time_zone = installed.policy.source.time_zone
    policy = dg.FreshnessPolicy.cron(DEADLINE_CRON, SINCE_THE_FIRST, time_zone)

    def due(spec: dg.AssetSpec) -> dg.AssetSpec:
        return dg.apply_freshness_policy(spec, policy) if spec.key in DUE_ASSETS else spec

    return list(dg.map_asset_specs(due, assets))
