"""Words of the whole product that this release does not have yet, and what to use meanwhile."""

from __future__ import annotations

LATER: dict[str, str] = {
    "trigger": "lab.cloud.client('events') has rules, lab.cloud.client('scheduler') schedules",
    "event": "lab.cloud.client('events').put_events(Entries=[...])",
    "deploy": "functions run on the local backend",
    "rollback": "alias NAME ALIAS OLDER points an alias back",
    "diff": "code NAME --definition N prints the source of a definition",
    "deployments": "",
    "destroy": "rm NAME deletes a local function",
    "alarm": "stats shows the errors; report run makes a page of them",
    "tune": "map the function with several --memory settings and compare: stats --by memory",
    "whatif": "report run cold_starts and report run costs say what would change",
    "import cloudwatch": "export the log events and import them: import logs FILE",
}
