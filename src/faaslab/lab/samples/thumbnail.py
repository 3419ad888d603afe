"""Scales a picture of the given size: memory is what it needs, and sometimes more than it has."""


def handler(event, context):
    width, height = event["width"], event["height"]
    picture = bytearray(width * height * 4)
    picture[:: 4 * 64] = b"\x7f" * len(picture[:: 4 * 64])
    small = picture[:: 4 * 64]
    return {"pixels": width * height, "bytes": len(small)}
