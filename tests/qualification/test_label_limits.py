"""What one answer may hold in all its regions together, and answers at the edge of what can be merged."""

import copy
import math
import random
from collections.abc import Iterator
from itertools import permutations
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualification.labels.errors import ResultError
from qualification.labels.kinds.base import About
from qualification.labels.kinds.boxes import Box
from qualification.labels.kinds.masks import KIND as MASK
from qualification.labels.kinds.masks import Mask
from qualification.labels.kinds.packed_runs import pack
from qualification.labels.kinds.texts import KIND as TEXT
from qualification.labels.kinds.tracks import KIND as TRACK
from qualification.labels.kinds.tracks import Keyframe, Track
from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import merge_answers, similarity_by_control
from qualification.statistics.merging.numbers import weighted_median, weighted_medians
from tests.qualification.kinds import PICTURE, SAMPLES, Result, Sample, path, region, schema_of

VIDEO: Final = '<Video name="o" value="$o"/>'
TRACKS = schema_of(VIDEO, '<VideoRectangle name="c" toName="o"/>')
TIMELINES = schema_of(VIDEO, '<TimelineLabels name="c" toName="o"><Label value="A"/></TimelineLabels>')
MASKS = schema_of(PICTURE, '<Brush name="c" toName="o"/>')
BOXES = schema_of(PICTURE, '<Rectangle name="c" toName="o"/>')
TEXTS = schema_of(PICTURE, "".join(f'<TextArea name="c{n}" toName="o"/>' for n in range(3)))
SPOKEN = schema_of('<Audio name="o" value="$o"/>', '<TextArea name="c" toName="o"/>')
RELATED = schema_of(
    PICTURE,
    '<Polygon name="c" toName="o"/><Relations>'
    + "".join(f'<Relation value="{name}"/>' for name in "abcdefgh")
    + "</Relations>",
)


def refusal_of(schema: LabelSchema, result: Result) -> str:
    with pytest.raises(ResultError) as refused:
        validate_result(schema, result)
    return str(refused.value)


def tracked(frames: Iterator[int], **more: Any) -> dict[str, Any]:
    box = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0}
    return region("c", "o", "videorectangle", {"sequence": [{"frame": n, **box} for n in frames], **more})


def test_keyframes_ranges_and_characters_are_counted_over_all_regions() -> None:
    ranges = [{"start": 3 * n, "end": 3 * n + 1} for n in range(1_000)]
    timelines = [
        region("c", "o", "timelinelabels", {"ranges": [{"start": 9_000 + n, "end": 9_001 + n}, *ranges[1:]]})
        for n in range(11)
    ]
    for each in timelines:
        each["value"]["timelinelabels"] = ["A"]
    written = [region(f"c{n}", "o", "textarea", {"text": ["x" * size]}) for n, size in enumerate((50_000, 50_000, 1))]

    assert refusal_of(TRACKS, [tracked(iter(range(n, n + 4_000))) for n in (1, 2, 3)]) == (
        "result: has 12,000 keyframes in all tracks; at most 10,000 are possible."
    )
    assert refusal_of(TIMELINES, timelines) == (
        "result: has 11,000 ranges in all timelines; at most 10,000 are possible."
    )
    assert refusal_of(TEXTS, written) == "result: has 100,001 characters in all texts; at most 100,000 are possible."
    assert len(validate_result(TEXTS, written[:2]).selections) == 2


def test_masks_that_are_ragged_together_are_refused() -> None:
    runs = tuple((2 * n, 2 * n + 1) for n in range(26_000))
    result = [
        region("c", "o", "brush", {"format": "rle", "rle": list(pack(each, pixels=60_000))}, **size)
        for each in (runs[n:] for n in range(4))
        for size in ({"original_width": 300, "original_height": 200},)
    ]

    assert len(validate_result(MASKS, result[:3]).chosen("c")) == 3
    assert refusal_of(MASKS, result) == "result: has 103,994 runs of pixels in all masks; at most 100,000 are possible."


def test_relations_that_repeat_long_outlines_until_nothing_could_keep_them_are_refused() -> None:
    """Each relation is kept with the texts of both ends, so a small result could grow to gigabytes."""

    def around(x: float) -> list[list[float]]:
        turns = np.linspace(0, 2 * np.pi, 2_000, endpoint=False)
        return [[round(x + 10 * math.cos(turn), 4), round(50 + 10 * math.sin(turn), 4)] for turn in turns.tolist()]

    ends = [region("c", "o", "polygon", {"points": around(x)}, id=f"r{x}") for x in (30, 60)]
    named = [[name for bit, name in enumerate("abcdefgh") if number >> bit & 1] for number in range(100)]
    relations: Result = [
        {"type": "relation", "from_id": "r30", "to_id": "r60", "direction": "right", "labels": labels}
        for labels in named
    ]

    assert len(validate_result(RELATED, [*ends, *relations[:20]]).chosen("relations")) == 20
    assert refusal_of(RELATED, [*ends, *relations]).endswith("characters to keep; at most 4,000,000 are possible.")


def test_a_sliver_that_lies_in_what_rounding_may_put_outside_the_picture_is_refused() -> None:
    sliver = {"x": -0.01, "y": 10, "width": 0.005, "height": 10, "rotation": 0}

    assert refusal_of(BOXES, [region("c", "o", "rectangle", sliver)]) == (
        "result[0].value: a box has a width and a height above 0."
    )


def test_tracks_of_which_one_does_not_say_how_long_the_video_is_are_merged() -> None:
    known, unknown = (validate_result(TRACKS, [tracked(iter((1, 9)), **more)]) for more in ({"framesCount": 30}, {}))

    assert merge_answers(TRACKS, [unknown, known]) == merge_answers(TRACKS, [known, unknown]) == known


def walking(*boxes: tuple[int, float, float], turn: float = 0.0, last: bool = True) -> Track:
    """A box of 20 × 20 that is at these places at these frames."""
    return Track(
        tuple(
            Keyframe(frame, last or place < len(boxes) - 1, Box(x, y, 20.0, 20.0, turn))
            for place, (frame, x, y) in enumerate(boxes)
        )
    )


ABOUT: Final = About(TRACKS.others[0])


def test_a_track_moves_evenly_between_keyframes_and_is_gone_behind_the_last_that_says_so() -> None:
    track = walking((10, 0.0, 0.0), (20, 30.0, 10.0), last=False)

    boxes, is_there = track.at(np.array([9, 10, 13, 20, 21]))

    assert is_there.tolist() == [False, True, True, True, False]
    assert boxes[1:4, :2].tolist() == [[0.0, 0.0], [9.0, 3.0], [30.0, 10.0]]


def test_tracks_are_alike_by_their_boxes_at_the_keyframes_of_both() -> None:
    still, moving = walking((1, 10.0, 10.0), (5, 10.0, 10.0)), walking((1, 10.0, 10.0), (3, 20.0, 10.0), last=False)

    # At frame 1 they are equal, at 3 they share half of a box, at 5 one is gone.
    assert TRACK.similarity(still, moving, ABOUT) == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert TRACK.similarity(moving, still, ABOUT) == TRACK.similarity(still, moving, ABOUT)


def test_turned_tracks_are_compared_at_frames_spread_evenly_and_merged_within_the_work_that_is_left() -> None:
    turned = walking(*((n, 30.0, 30.0) for n in range(1, 500)), turn=10.0)
    shifted = walking(*((n, 31.0, 30.0) for n in range(1, 500)), turn=10.0)
    one = TRACK.similarity(walking((1, 30.0, 30.0), turn=10.0), walking((1, 31.0, 30.0), turn=10.0), ABOUT)

    near, work = TRACK.compared(turned, shifted, ABOUT)

    assert near == pytest.approx(one)
    assert work < 3_000
    assert TRACK.merge_within([turned, shifted], [1.0, 2.0], ABOUT, work=1_000)[0] == shifted


def test_a_merged_track_is_the_median_of_those_that_are_there() -> None:
    tracks = [walking((1, x, 10.0), (5, x, 10.0), last=x != 30.0) for x in (10.0, 12.0, 30.0)]

    merged = TRACK.merge(tracks, [1.0, 1.0, 1.0], ABOUT)

    assert merged == walking((1, 12.0, 10.0), (5, 12.0, 10.0))
    assert TRACK.merge(tracks, [1.0, 1.0, 3.0], ABOUT) == tracks[2]


def test_medians_of_many_columns_are_those_of_each() -> None:
    chance = np.random.default_rng(1)
    values, weights = chance.integers(0, 4, (5, 40)).astype(float), chance.integers(0, 3, (5, 40)).astype(float)
    weights[0] = 1.0

    columns = zip(values.T, weights.T, strict=True)
    each = [weighted_median(own[there > 0].tolist(), there[there > 0].tolist()) for own, there in columns]

    assert weighted_medians(values, weights).tolist() == each


def test_a_box_around_a_mask_ends_where_its_pixels_do() -> None:
    about = About(MASKS.others[0])

    assert MASK.extent(Mask(10, 6, ((12, 15), (23, 28)))) == (2.0, 1.0, 8.0, 3.0)
    assert MASK.extent(Mask(10, 6, ((18, 22),))) == (0.0, 1.0, 10.0, 3.0)  # it goes on in the next row
    assert MASK.compared(Mask(10, 6, ((0, 10),)), Mask(10, 6, ((5, 15),)), about)[0] == pytest.approx(1 / 3)


def test_transcripts_are_voted_on_within_the_work_that_is_left_and_are_one_that_was_written_beyond() -> None:
    about = About(SPOKEN.others[0], is_heard=True)
    heard = [("a b c x",), ("a b y d",), ("a z c d",)]

    voted, work = TEXT.merge_within(heard, [1.0, 1.0, 1.0], about, work=100)
    beyond, _ = TEXT.merge_within(heard, [1.0, 1.0, 1.0], about, work=work - 1)

    assert voted == ("a b c d",)
    assert beyond in heard


def vectors(seed: int, count: int) -> Answer:
    chance = random.Random(seed)
    places = [
        path(*((50 + chance.uniform(-30, 30), 50 + chance.uniform(-30, 30)) for _ in range(6))) for _ in range(count)
    ]
    return validate_result(VECTORS, [region("c", "o", "vector", each) for each in places])


VECTORS = schema_of(PICTURE, '<Vector name="c" toName="o"/>')


def test_paths_on_one_heap_find_those_that_are_the_same_thing_however_many_they_are() -> None:
    answer = vectors(1, 120)
    moved = [
        {**each, "value": {**each["value"], "vertices": [{**v, "x": v["x"] + 0.1} for v in each["value"]["vertices"]]}}
        for each in copy.deepcopy(to_result(VECTORS, answer))
        if isinstance(each["value"], dict)
    ]
    near = similarity_by_control(answer, validate_result(VECTORS, moved), VECTORS)["c"]

    assert near == pytest.approx(0.999, abs=0.001)
    merged = {merge_answers(VECTORS, list(order)).key for order in permutations([answer, vectors(2, 20)])}
    assert len(merged) == 1


STRANGE: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -0.0, 1e-9, 5e-324, 1e308, -1e308, 2**63 - 1, -(2**63), 99.99999, 100.01, 0.00001, 360, 10**9]),
    st.text(max_size=3),
    st.sampled_from(["", "\u202e", "\x00", "p0", "r1", "rle", "right", "😀" * 20]),
    st.lists(st.integers(-1, 300), max_size=3),
    st.dictionaries(st.sampled_from(["x", "frame", "start", "id"]), st.floats(allow_nan=False), max_size=2),
)


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as what it is in and its key there."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places_in(value[key])


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_whatever_is_put_anywhere_is_refused_or_merged(sample: Sample, data: st.DataObject) -> None:
    answers = []
    for _ in range(3):
        result = copy.deepcopy(data.draw(sample.results))
        for _ in range(data.draw(st.integers(0, 2))):
            if places := list(places_in(result)):
                within, key = places[data.draw(st.integers(0, len(places) - 1))]
                within[key] = data.draw(STRANGE)
        try:
            answers.append(validate_result(sample.schema, result, sample.item))
        except ResultError:
            continue

    for answer in answers:
        assert validate_result(sample.schema, to_result(sample.schema, answer)) == answer
        assert all(0 <= near <= 1 for near in similarity_by_control(answer, answers[0], sample.schema).values())
    if answers:
        merged = merge_answers(sample.schema, answers, [1.0, 2.0, 0.5][: len(answers)])
        assert validate_result(sample.schema, to_result(sample.schema, merged)) == merged
