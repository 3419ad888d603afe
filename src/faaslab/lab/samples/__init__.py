"""What the quickstart runs: functions of several shapes, deployed as text and never imported."""
