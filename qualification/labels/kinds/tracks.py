"""Tracks in a video: a box at some of its frames, between which it moves evenly."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property, reduce
from typing import Final

import numpy as np
import numpy.typing as npt

from qualification.labels.kinds.base import DECIMALS, About, Extent, Value, rounded
from qualification.labels.kinds.boxes import KIND as BOXES
from qualification.labels.kinds.boxes import WHOLE, Box
from qualification.labels.kinds.outlines import Flags, Floats
from qualification.statistics.merging.numbers import weighted_medians

MOST_FRAMES: Final = 1_000_000
MOST_KEYFRAMES: Final = 5_000
TURN: Final = 4
"""The place of a box's rotation among its sides."""

WORK_OF_EACH: Final = 300
"""What two tracks take to compare, in points of an outline; and each frame at which a box is turned."""

WORK_OF_TURNED: Final = 100
MOST_TURNED: Final = 20
"""Frames at which turned boxes of two tracks are compared, spread evenly; they speak for the others."""

FRAMES_A_POINT: Final = 5

Frames = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Keyframe:
    """The box at a frame; `enabled` says whether it goes on from there or is gone after it."""

    frame: int
    enabled: bool
    box: Box


@dataclass(frozen=True, order=True)
class Track:
    """Keyframes in order, and the frames of the video, 0 where they are not known."""

    keyframes: tuple[Keyframe, ...]
    frames: int = 0

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Kept, as there may be thousands of keyframes, and what was compared is looked up by it.
        return hash((self.keyframes, self.frames))

    @cached_property
    def numbers(self) -> Frames:
        """The frames of its keyframes."""
        return np.array([each.frame for each in self.keyframes], dtype=np.int64)

    def at(self, frames: Frames) -> tuple[Floats, Flags]:
        """Frames × sides: its boxes there, of keyframes or on the straight line between two; and where it is at all."""
        after = np.searchsorted(self.numbers, frames, side="right")
        before, later = np.maximum(after - 1, 0), np.minimum(after, len(self.numbers) - 1)
        passed, gap = frames - self.numbers[before], self.numbers[later] - self.numbers[before]
        share = np.divide(passed, gap, out=np.zeros(len(frames)), where=gap > 0)[:, None]
        boxes = np.round(self._sides[before] * (1 - share) + self._sides[later] * share, DECIMALS)
        return boxes, (after > 0) & (self._goes_on[before] | (passed == 0))

    @cached_property
    def _sides(self) -> Floats:
        return np.array([astuple(each.box) for each in self.keyframes])

    @cached_property
    def _goes_on(self) -> Flags:
        return np.array([each.enabled for each in self.keyframes])


class TrackKind:
    """Near by the mean of intersection over union at every keyframe of either; merged box by box there.

    A box that one track has and the other has not counts as 0. A merged track is there where more than half of the
    weight is.
    """

    right: Final = 0.6
    same: Final = 0.2

    def read(self, value: Value, about: About) -> Track:
        frames = value.whole("framesCount", 1, MOST_FRAMES) if value.has("framesCount") else 0
        value.ignore("duration")
        keyframes = []
        for number, given in enumerate(value.list("sequence", most=MOST_KEYFRAMES)):
            if kept := _kept(given, frames or MOST_FRAMES):
                keyframes.append(kept)
                continue
            inner = Value(given, f"{value.path}.sequence[{number}]")
            keyframes.append(self._keyframe(inner, about, frames))
            inner.finish()
        if not keyframes:
            raise value.error("a track has at least one keyframe.", "sequence")
        if len({each.frame for each in keyframes}) < len(keyframes):
            raise value.error("a frame stands in the sequence twice.", "sequence")
        return Track(tuple(sorted(keyframes)), frames)

    def _keyframe(self, inner: Value, about: About, frames: int) -> Keyframe:
        frame = inner.whole("frame", 1, frames or MOST_FRAMES)
        enabled = inner.get("enabled") if inner.has("enabled") else True
        if type(enabled) is not bool:
            raise inner.error("is true or false.", "enabled")
        inner.ignore("time")
        return Keyframe(frame, enabled, BOXES.read(inner, about))

    def write(self, shape: Track) -> dict[str, object]:
        sequence = [{"frame": each.frame, "enabled": each.enabled, **BOXES.write(each.box)} for each in shape.keyframes]
        return {"sequence": sequence, **({"framesCount": shape.frames} if shape.frames else {})}

    def similarity(self, first: Track, second: Track, about: About) -> float:
        return self.compared(first, second, about)[0]

    def compared(self, first: Track, second: Track, about: About) -> tuple[float, int]:
        frames = np.union1d(first.numbers, second.numbers)
        (ours, are_ours), (theirs, are_theirs) = first.at(frames), second.at(frames)
        both = are_ours & are_theirs
        near = np.where(both, _shared(ours, theirs), are_ours == are_theirs)
        turned = np.flatnonzero(both & ((ours[:, TURN] != 0) | (theirs[:, TURN] != 0)))
        looked_at = turned[:: max(1, -(-len(turned) // MOST_TURNED))]
        if len(turned):
            pairs = zip(ours[looked_at].tolist(), theirs[looked_at].tolist(), strict=True)
            near[turned] = np.mean([BOXES.similarity(Box(*one), Box(*other), about) for one, other in pairs])
        work = WORK_OF_EACH + len(frames) // FRAMES_A_POINT + WORK_OF_TURNED * len(looked_at)
        return float(np.mean(near)), work

    def extent(self, shape: Track) -> Extent:
        boxes = [BOXES.extent(each.box) for each in shape.keyframes]
        return (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        )

    def merge(self, shapes: Sequence[Track], weights: Sequence[float], about: About) -> Track:
        return self.merge_within(shapes, weights, about, work=math.inf)[0]

    def merge_within(
        self, shapes: Sequence[Track], weights: Sequence[float], about: About, *, work: float
    ) -> tuple[Track, int]:
        if len(set(shapes)) == 1:
            return shapes[0], 0
        ordered = sorted(zip(shapes, weights, strict=True))
        frames = reduce(np.union1d, [shape.numbers for shape, _ in ordered])
        boxes, are_there = map(np.array, zip(*(shape.at(frames) for shape, _ in ordered), strict=True))
        go_on = np.array([shape.at(frames + 1)[1] for shape, _ in ordered])
        votes = np.array([weight for _, weight in ordered])
        half = votes.sum() / 2 * (1 + 1e-9)
        kept = np.flatnonzero(votes @ are_there > half)
        turned = kept[(are_there & (boxes[:, :, TURN] != 0)).any(axis=0)[kept]]
        spent = WORK_OF_EACH + frames.size * len(ordered) // FRAMES_A_POINT + WORK_OF_TURNED * turned.size
        heaviest = max(ordered, key=lambda pair: pair[1])[0]
        known = max(shape.frames for shape in shapes)
        if spent > work or not kept.size:
            return Track(heaviest.keyframes, known), spent
        merged = _merged_upright(boxes[:, kept], np.where(are_there[:, kept], votes[:, None], 0.0))
        for place in turned:
            there = np.flatnonzero(are_there[:, place])
            own = BOXES.merge([Box(*boxes[n, place].tolist()) for n in there], votes[there].tolist(), about)
            merged[int(np.searchsorted(kept, place))] = own
        goes_on = votes @ go_on > half
        keyframes = (
            Keyframe(int(frames[place]), bool(goes_on[place]), box) for place, box in zip(kept, merged, strict=True)
        )
        return Track(tuple(keyframes), known), spent


def _kept(given: object, last: int) -> Keyframe | None:
    """A keyframe in the form in which most are kept: answers are read from there far more often than from people."""
    if not isinstance(given, dict) or len(given) != 7 or given.get("rotation") != 0.0:
        return None
    match given:
        case {
            "frame": int(frame),
            "enabled": bool(enabled),
            "x": float(x),
            "y": float(y),
            "width": float(width),
            "height": float(height),
        }:
            box = Box(*map(rounded, (x, y, width, height)))
            is_inside = 0 <= x <= x + width <= WHOLE and 0 <= y <= y + height <= WHOLE
            if type(frame) is int and 1 <= frame <= last and is_inside and box.width > 0 and box.height > 0:
                return Keyframe(frame, enabled, box)
    return None


def _shared(ours: Floats, theirs: Floats) -> Floats:
    """Intersection over union of upright boxes, each of one track with that of the other."""
    low, their_low = ours[:, :2], theirs[:, :2]
    most = np.minimum(low + ours[:, 2:4], their_low + theirs[:, 2:4])
    shared = np.prod(np.maximum(most - np.maximum(low, their_low), 0.0), axis=1)
    either = ours[:, 2] * ours[:, 3] + theirs[:, 2] * theirs[:, 3] - shared
    return np.where((ours == theirs).all(axis=1), 1.0, shared / np.maximum(either, 1e-12))


def _merged_upright(boxes: Floats, weights: Floats) -> list[Box]:
    """Answers × frames × sides: side by side, by the median of weight, as `BoxKind` merges upright boxes."""
    low, high = boxes[:, :, :2], boxes[:, :, :2] + boxes[:, :, 2:4]
    start, end = (
        np.stack([weighted_medians(sides[:, :, axis], weights) for axis in (0, 1)], axis=1) for sides in (low, high)
    )
    sides = np.round(np.concatenate([start, end - start], axis=1), DECIMALS) + 0.0  # which makes -0.0 plain
    return [Box(*row) for row in sides.tolist()]


KIND = TrackKind()
