"""Views that answer by name: cold_starts, durations, costs, errors, timeline. The same in every client.

They are written over the plain names of the tables, so that they hold in the history file as well as over
history and outbox together.
"""

from __future__ import annotations

# us-east-1, first tier, as of 2026-09 (https://aws.amazon.com/lambda/pricing/). The view is for a quick
# look; regions, tiers and the free tier are `faaslab.monitoring.cost`.
GB_SECOND_X86 = "0.0000166667"
GB_SECOND_ARM = "0.0000133334"
REQUEST = "0.0000002"

# Whether an init is in the billed time is read off the figures: reports older than 2025-08 have it outside,
# and for months after both forms were seen. A restore (SnapStart) is billed by a figure of its own.
BILLED_INIT_MS = (
    "coalesce(CASE WHEN cold_start AND init_ms IS NOT NULL AND billed_ms >= floor(duration_ms + init_ms) "
    "THEN least(init_ms, billed_ms) END, billed_restore_ms, 0)"
)

_WHAT = (
    "id, function, version, definition, qualifier, source, backend, region, runtime, architecture, memory_mb"
)

# An execution that is redriven ends more than once: what counts is how it stands now.
NEWEST = (
    "SELECT * FROM ({both}) one WHERE NOT EXISTS (SELECT 1 FROM ({both}) later "
    "WHERE later.redrive_count > 0 AND later.id = one.id "
    "AND later.redrive_count > coalesce(one.redrive_count, 0))"
)

VIEWS: dict[str, str] = {
    "cold_starts": f"""
        SELECT {_WHAT}, started_at, init_ms, restore_ms, duration_ms, billed_ms, init_type, start_method,
               environment_id, status, code_sha256
        FROM executions WHERE cold_start""",
    "durations": f"""
        SELECT {_WHAT}, started_at, duration_ms, billed_ms, init_ms, cold_start, max_memory_mb, timeout_s,
               status
        FROM executions WHERE duration_ms IS NOT NULL""",
    "costs": f"""
        SELECT *, duration_usd + init_usd + request_usd AS usd FROM (
            SELECT {_WHAT}, started_at, billed_ms, gb_seconds,
                   CAST((gb_seconds - init_gb_seconds) * price AS DECIMAL(18, 12)) AS duration_usd,
                   CAST(init_gb_seconds * price AS DECIMAL(18, 12)) AS init_usd,
                   CAST({REQUEST} AS DECIMAL(18, 12)) AS request_usd
            FROM (
                SELECT *, memory_mb / 1024 * billed_ms / 1000 AS gb_seconds,
                       memory_mb / 1024 * {BILLED_INIT_MS} / 1000 AS init_gb_seconds,
                       CASE WHEN architecture = 'arm64' THEN {GB_SECOND_ARM} ELSE {GB_SECOND_X86} END AS price
                FROM executions WHERE billed_ms IS NOT NULL AND memory_mb IS NOT NULL))""",
    "errors": f"""
        SELECT {_WHAT}, started_at, status, error_type, error_message, error_stack, duration_ms, attempt,
               request_id
        FROM executions WHERE status IN ('failed', 'timeout', 'throttled')""",
    "timeline": """
        SELECT started_at AS "timestamp", 'execution' AS kind, function AS name, status, id, source,
               coalesce(error_type, '') AS detail FROM executions
        UNION ALL SELECT started_at, 'workflow execution', workflow, status, id, source, coalesce(error, '')
            FROM workflow_executions
        UNION ALL SELECT "timestamp", 'event', type, NULL, id, source, '' FROM events
        UNION ALL SELECT delivered_at, 'delivery', coalesce("trigger", target), status, id, NULL,
            coalesce(error, '') FROM deliveries
        UNION ALL SELECT started_at, 'deployment', target, status, id, NULL, version FROM deployments
        UNION ALL SELECT "timestamp", 'alarm', alarm, state, NULL, NULL, reason FROM alarm_history
        UNION ALL SELECT started_at, 'report', name, status, id, NULL, coalesce(error_type, '') FROM reports
        UNION ALL SELECT "timestamp", kind || ' ' || action, name, NULL, revision_id, NULL,
            coalesce(version, '') FROM definitions""",
}
"""View name -> SELECT."""
