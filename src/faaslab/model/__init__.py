"""What everything is: frozen dataclasses, one file a noun, and their JSON. Nothing here acts.

Durations end in `_ms` or `_s`, sizes in `_mb` or `_bytes`; instants are naive UTC `datetime`.
"""
