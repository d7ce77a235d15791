"""Tracks in a video: a box at some of its frames, between which it moves evenly."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qualification.labels.kinds.base import About, Extent, Value, rounded
from qualification.labels.kinds.boxes import KIND as BOXES
from qualification.labels.kinds.boxes import Box

MOST_FRAMES: Final = 1_000_000
MOST_KEYFRAMES: Final = 5_000


@dataclass(frozen=True, slots=True, order=True)
class Keyframe:
    """The box at a frame; `enabled` says whether it goes on from there or is gone after it."""

    frame: int
    enabled: bool
    box: Box


@dataclass(frozen=True, slots=True, order=True)
class Track:
    """Keyframes in order, and the frames of the video where they are known."""

    keyframes: tuple[Keyframe, ...]
    frames: int | None = None

    @property
    def places(self) -> frozenset[int]:
        return frozenset(each.frame for each in self.keyframes)

    def at(self, frame: int) -> Box | None:
        """The box at a frame: that of the keyframe, or on the straight line between two; None where it is gone."""
        after = bisect_right(self.keyframes, frame, key=lambda each: each.frame)
        if after == 0:
            return None
        before = self.keyframes[after - 1]
        if before.frame == frame:
            return before.box
        if not before.enabled:
            return None
        if after == len(self.keyframes):
            return before.box
        later = self.keyframes[after]
        share = (frame - before.frame) / (later.frame - before.frame)
        return Box(
            *(
                rounded(getattr(before.box, name) * (1 - share) + getattr(later.box, name) * share)
                for name in ("x", "y", "width", "height", "rotation")
            )
        )


class TrackKind:
    """Near by the mean of intersection over union at every keyframe of either; merged box by box there.

    A box that one track has and the other has not counts as 0. A merged track is there where more than half of the
    weight is.
    """

    right: Final = 0.6
    same: Final = 0.2

    def read(self, value: Value, about: About) -> Track:
        frames = value.whole("framesCount", 1, MOST_FRAMES) if value.has("framesCount") else None
        value.ignore("duration")
        keyframes = []
        for number, given in enumerate(value.list("sequence", most=MOST_KEYFRAMES)):
            inner = Value(given, f"{value.path}.sequence[{number}]")
            keyframes.append(self._keyframe(inner, about, frames))
            inner.finish()
        if not keyframes:
            raise value.error("a track has at least one keyframe.", "sequence")
        if len({each.frame for each in keyframes}) < len(keyframes):
            raise value.error("a frame stands in the sequence twice.", "sequence")
        return Track(tuple(sorted(keyframes)), frames)

    def _keyframe(self, inner: Value, about: About, frames: int | None) -> Keyframe:
        frame = inner.whole("frame", 1, frames or MOST_FRAMES)
        enabled = inner.get("enabled") if inner.has("enabled") else True
        if type(enabled) is not bool:
            raise inner.error("is true or false.", "enabled")
        inner.ignore("time")
        return Keyframe(frame, enabled, BOXES.read(inner, about))

    def write(self, shape: Track) -> dict[str, object]:
        sequence = [{"frame": each.frame, "enabled": each.enabled, **BOXES.write(each.box)} for each in shape.keyframes]
        return {"sequence": sequence, **({} if shape.frames is None else {"framesCount": shape.frames})}

    def similarity(self, first: Track, second: Track, about: About) -> float:
        places = sorted(first.places | second.places)
        return sum(self._at(first, second, frame, about) for frame in places) / len(places)

    def _at(self, first: Track, second: Track, frame: int, about: About) -> float:
        ours, theirs = first.at(frame), second.at(frame)
        if ours is None or theirs is None:
            return float(ours is theirs)
        return BOXES.similarity(ours, theirs, about)

    def extent(self, shape: Track) -> Extent:
        boxes = [BOXES.extent(each.box) for each in shape.keyframes]
        return (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        )

    def merge(self, shapes: Sequence[Track], weights: Sequence[float], about: About) -> Track:
        if len(set(shapes)) == 1:
            return shapes[0]
        ordered = sorted(zip(shapes, weights, strict=True))
        half = sum(weight for _, weight in ordered) / 2 * (1 + 1e-9)
        keyframes: list[Keyframe] = []
        for frame in sorted(set().union(*(shape.places for shape in shapes))):
            there = [(box, weight) for shape, weight in ordered if (box := shape.at(frame)) is not None]
            if sum(weight for _, weight in there) > half:
                merged = BOXES.merge([box for box, _ in there], [weight for _, weight in there], about)
                goes_on = [weight for shape, weight in ordered if shape.at(frame + 1) is not None]
                keyframes.append(Keyframe(frame, sum(goes_on) > half, merged))
        known = [shape.frames for shape in shapes if shape.frames is not None]
        if not keyframes:
            keyframes = list(max(ordered, key=lambda pair: pair[1])[0].keyframes)
        return Track(tuple(keyframes), max(known, default=None))


KIND = TrackKind()
