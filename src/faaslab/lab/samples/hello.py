"""The smallest function: what an invocation costs when the code costs nothing."""


def handler(event, context):
    return {"greeting": f"Hello, {event.get('name', 'world')}!"}
