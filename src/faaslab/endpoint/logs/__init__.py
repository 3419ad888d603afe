"""CloudWatch Logs as the store has them: the logs of our functions stand in front of the embedded cloud's.

Rule: the group of a function is written by what runs, and is read here; nothing through this port deletes
history. Groups of anything else are the cloud's. Rows of the source `local` are shown, and no others.
"""
