"""What postings moved, in words, to be held against what was agreed."""


def beside_what_moved(which: str, find: str) -> str:
    """The SQL ``find``, which may read the table ``paid``: a row for each posting that ``which`` is true of.

    ``key`` is its own, ``is_reversed`` whether it was undone, and ``moved`` its entries in their order, each as
    ``kind owner > kind owner: amount currency``.
    """
    return f"""
        WITH paid AS (
            SELECT posting.key, count(reversal.id) > 0 AS is_reversed,
                   string_agg(source.kind || ' ' || source.owner || ' > ' || target.kind || ' ' || target.owner || ': '
                       || entry.amount_minor || ' ' || target.currency, ', ' ORDER BY entry.position) AS moved
            FROM billing_posting posting JOIN billing_ledgerentry entry ON entry.posting_id = posting.id
            JOIN billing_ledgeraccount source ON source.id = entry.source_id
            JOIN billing_ledgeraccount target ON target.id = entry.target_id
            LEFT JOIN billing_posting reversal ON reversal.reverses_id = posting.id
            WHERE {which} GROUP BY posting.id
        ) {find}
    """  # noqa: S608  (all of it ours)
