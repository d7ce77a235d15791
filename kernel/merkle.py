"""Merkle trees as RFC 6962 has them: hashes, roots and proofs over bytes, without a database.

A leaf is what stands at one position, from 0. A subtree of level l at place p holds the 2^l leaves from p * 2^l on.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Final

Node = Callable[[int, int], bytes]
"""The hash of the full subtree of this level at this place."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf; the first byte keeps it apart from every node (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows, by no more than the full subtrees along its right edge."""

    def __init__(self, size: int = 0, node: Node | None = None) -> None:
        """An empty tree, or the one of ``size`` leaves whose full subtrees ``node`` knows."""
        self.size = size
        self._peaks = [(level, node(level, place)) for level, place in peaks(size)] if node else []
        assert len(self._peaks) == size.bit_count()

    def add(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Append a leaf's hash, and tell every subtree above it that is full by it: level, place, hash."""
        level, place, hash_ = 0, self.size, leaf
        while self._peaks and self._peaks[-1][0] == level:
            hash_ = node_hash(self._peaks.pop()[1], hash_)
            level, place = level + 1, place >> 1
            yield level, place, hash_
        self._peaks.append((level, hash_))
        self.size += 1

    def root(self) -> bytes:
        """The hash over the whole tree as it is now."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            root = node_hash(left, root)
        return root


def peaks(size: int) -> list[tuple[int, int]]:
    """The full subtrees that a tree of ``size`` leaves consists of, from left to right, as level and place."""
    start, found = 0, []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def inclusion_path(position: int, size: int, node: Node) -> list[bytes]:
    """The audit path of RFC 6962, 2.1.1: that the leaf at ``position`` is in the tree of ``size`` leaves."""
    assert 0 <= position < size
    start, end, path = 0, size, list[bytes]()
    while end - start > 1:
        middle = start + _split(end - start)
        if position < middle:
            path.append(_root_of(middle, end, node))
            end = middle
        else:
            path.append(_root_of(start, middle, node))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, node: Node) -> list[bytes]:
    """The proof of RFC 6962, 2.1.2: that the tree of ``old`` leaves is how the tree of ``new`` leaves begins."""
    assert 0 < old <= new
    start, end, path = 0, new, list[bytes]()
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_root_of(middle, end, node))
            end = middle
        else:
            path.append(_root_of(start, middle, node))
            start = middle
    if start:
        path.append(_root_of(start, end, node))
    return path[::-1]


def _split(size: int) -> int:
    """The largest power of two that is smaller than ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _root_of(start: int, end: int, node: Node) -> bytes:
    """The hash over the leaves from ``start`` to before ``end``, where ``start`` begins a subtree that large."""
    size = end - start
    level = size.bit_length() - 1
    if size == 1 << level:
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(_root_of(start, middle, node), _root_of(middle, end, node))
