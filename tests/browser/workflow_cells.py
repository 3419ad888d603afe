"""What notebooks of browser tests begin with: a function, and the beginning of a workflow that scores many."""

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
"""What stays text wherever it is shown."""

SCORE = """%%faas score --timeout 10
def handler(event, context):
    print("scoring", event["n"])
    if event["n"] < 0:
        raise ValueError("<b>no score</b> for $a$ and $b$: HOSTILE")
    return {"score": event["n"] * 2}
""".replace("HOSTILE", HOSTILE)

RATE = """%%faas workflow rate
QueryLanguage: JSONata
StartAt: Score all
States:
  Hold:
    Type: Task
    Resource: activity:approve
    Next: Done
  Done: {Type: Succeed}
  Score all:
    Type: Map
    Items: "{% $states.input.ns %}"
    MaxConcurrency: 2
    ItemProcessor:
      StartAt: Score
      States:
        Score:
          Type: Task
          Resource: score
          Arguments: {n: "{% $states.input %}"}
          Retry: [{ErrorEquals: [ValueError], IntervalSeconds: 1, MaxAttempts: 1}]
          End: true
    Next: Hold
"""
"""Scores `ns` and holds until somebody answers the activity `approve`. What is added may go on with the last state."""
