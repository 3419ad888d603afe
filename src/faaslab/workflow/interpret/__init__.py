"""Decides what happens next in an execution: signals in, events and effects out. Pure."""
