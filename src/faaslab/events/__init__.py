"""When something happens, and for whom: event patterns, schedules, and what a target is given.

Rule: pure. A pattern is asked about an event, a schedule about an instant, and nothing here knows what
delivers.
"""
