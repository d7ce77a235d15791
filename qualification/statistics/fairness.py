"""How evenly something is shared out: 1 or 0 where all have alike, by the index read."""

from collections.abc import Sequence


def jain_index(shares: Sequence[float]) -> float | None:
    """From 1 where all have alike down to 1/n where one has everything; None where there is nothing to share.

    R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness and discrimination", DEC TR-301 (1984).
    """
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else None


def gini_index(shares: Sequence[float]) -> float | None:
    """From 0 where all have alike up to nearly 1 where one has everything; None where there is nothing to share.

    C. Gini, "Variabilità e mutabilità" (1912), over ordered shares.
    """
    total = sum(shares)
    if not total:
        return None
    ranked = sum(rank * share for rank, share in enumerate(sorted(shares), start=1))
    return 2 * ranked / (len(shares) * total) - (len(shares) + 1) / len(shares)
