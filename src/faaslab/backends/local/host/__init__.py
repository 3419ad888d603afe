"""What this machine offers: process trees, memory, cgroups, mounts, and a keeper for when we are killed.

Rule: nothing here knows of functions.
"""
