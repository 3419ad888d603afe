"""What tests of a function's panel have in common: a function, and how one waits."""

import threading

SOURCE = """
def handler(event, context):
    print("got", event)
    if event.get("n") == 0:
        raise ValueError("nothing")
    return {"n": event.get("n"), "version": context.function_version}
"""


def until(panel, condition):
    """Wait for what runs in other threads, and look."""
    for _ in range(600):
        panel.beat()
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError(panel.result.value)
