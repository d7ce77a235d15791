"""Stretches of a recording, in seconds, of all its channels or of one."""

from qualification.labels.kinds.base import About, Value, rounded
from qualification.labels.kinds.stretches import Stretch, StretchKind

LONGEST_SECONDS = 7 * 86_400.0
MOST_CHANNELS = 64


class SoundKind(StretchKind):
    """As stretches of a time series; on different channels they are not the same."""

    def read(self, value: Value, about: About) -> Stretch:
        length = value.number("original_length", 0, LONGEST_SECONDS) if value.has("original_length") else None
        start, end = (rounded(value.number(key, 0, LONGEST_SECONDS)) for key in ("start", "end"))
        channel = value.whole("channel", 0, MOST_CHANNELS) if value.has("channel") else None
        if end <= start:
            raise value.error(f"the stretch from {start:g} to {end:g} s is empty.")
        if length is not None and end > length + 0.01:
            raise value.error(f"the stretch ends at {end:g} s, and the recording is {length:g} s long.")
        return Stretch(start, end, channel)

    def write(self, shape: Stretch) -> dict[str, object]:
        channel = {} if shape.channel is None else {"channel": shape.channel}
        return {"start": shape.start, "end": shape.end, **channel}


KIND = SoundKind()
