"""What runs in the cloud's own process: moto's services behind a small HTTP server for its owner.

Rule: only `script.py` starts it; nothing outside of this room imports it. It never leaves this machine.
"""
