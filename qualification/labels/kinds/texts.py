"""Texts that were written: transcripts, captions, translations, answers in words."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from rapidfuzz.distance import Levenshtein

from qualification.labels.kinds.base import About, OfWhole, Value
from qualification.labels.parts import Control
from qualification.labels.text import fold
from qualification.statistics.merging.words import vote_on_words

LONGEST: Final = 50_000
MOST_TEXTS: Final = 100
MOST_WORDS: Final = 500
"""Longer transcripts are not voted on word by word: aligning takes the square of the words."""

WORK_OF_EACH: Final = 20
"""What transcripts of one region take to merge, in points of an outline; and each pair of words beside that."""

WORDS_A_POINT: Final = 20

HIDDEN: Final = frozenset("\x00\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Texts = tuple[str, ...]


class TextKind(OfWhole):
    """Near by edits: one less the edit distance over the length of the longer, in characters.

    Case, compatibility forms and runs of spaces make no difference (NFKC). Transcripts (of Audio or Video, of a region,
    or with `transcription`) are merged word by word: all try to write the same. Other texts are somebody's own; of them
    the one that is nearest to all by weight is taken as it is.
    Sources: V. I. Levenshtein, Soviet Physics Doklady 10 (1966); J. G. Fiscus, "ROVER", ASRU (1997).
    """

    right: Final = 0.9

    def read(self, value: Value, about: About) -> Texts:
        found = value.get("text")
        texts = [found] if isinstance(found, str) else value.list("text", most=MOST_TEXTS)
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise value.error(
                "is a list of texts, none of them empty; leave the region out when there is none.", "text"
            )
        # Compatibility forms may be eighteen times as long as what was written, and that is what is compared.
        if max(sum(map(len, texts)), len(_folded(tuple(texts)))) > LONGEST:
            raise value.error(f"has more than {LONGEST:,} characters.", "text")
        if any(HIDDEN.intersection(text) for text in texts):
            raise value.error("contains a NUL or a character that changes the direction of what follows.", "text")
        assert isinstance(about.control, Control)
        most = int(about.control.setting("maxSubmissions") or MOST_TEXTS)
        if len(texts) > most:
            raise value.error(f"has {len(texts)} texts; the schema takes {most}.", "text")
        return tuple(texts)

    def write(self, shape: Texts) -> dict[str, object]:
        return {"text": list(shape)}

    def similarity(self, first: Texts, second: Texts, about: About) -> float:
        return _similarity(*sorted((first, second)))

    def merge(self, shapes: Sequence[Texts], weights: Sequence[float], about: About) -> Texts:
        return self.merge_within(shapes, weights, about, work=math.inf)[0]

    def merge_within(
        self, shapes: Sequence[Texts], weights: Sequence[float], about: About, *, work: float
    ) -> tuple[Texts, int]:
        if len(set(shapes)) == 1:
            return shapes[0], 0
        ordered = self._nearest_first(shapes, weights, about)
        words = [shape[0].split() for shape, _ in ordered]
        if not _is_transcript(about) or any(len(shape) > 1 for shape in shapes) or max(map(len, words)) > MOST_WORDS:
            return ordered[0][0], 0
        # Each text is aligned with all before it, which have no word in common where it takes longest.
        before = accumulate(map(len, words), initial=0)
        spent = (
            WORK_OF_EACH + sum(len(text) * known for text, known in zip(words, before, strict=False)) // WORDS_A_POINT
        )
        if spent > work:
            return ordered[0][0], WORK_OF_EACH
        voted = vote_on_words(words, [weight for _, weight in ordered])
        return ((" ".join(voted),) if voted else ordered[0][0]), spent

    def _nearest_first(
        self, shapes: Sequence[Texts], weights: Sequence[float], about: About
    ) -> list[tuple[Texts, float]]:
        pairs = sorted(zip(shapes, weights, strict=True))

        def nearness(place: int) -> float:
            own = pairs[place][0]
            return math.fsum(
                weight * self.similarity(own, other, about) for n, (other, weight) in enumerate(pairs) if n != place
            )

        order = sorted(range(len(pairs)), key=lambda place: (-round(nearness(place), 9), -pairs[place][1], place))
        return [pairs[place] for place in order]


@lru_cache(maxsize=128)
def _similarity(first: Texts, second: Texts) -> float:
    """Kept for a while: two long texts take a twentieth of a second, and are compared again at once."""
    return Levenshtein.normalized_similarity(_folded(first), _folded(second))


@lru_cache(maxsize=512)
def _folded(texts: Texts) -> str:
    return "\n".join(fold(text) for text in texts)


def _is_transcript(about: About) -> bool:
    control = about.control
    assert isinstance(control, Control)
    return control.setting("transcription") == "true" or control.per_region or about.is_heard


KIND = TextKind()
