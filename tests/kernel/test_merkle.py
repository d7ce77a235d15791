"""Merkle trees: RFC 6962's own definitions and the vectors that its implementations share."""

from itertools import accumulate

import pytest

from kernel import verify_audit
from kernel.merkle import EMPTY_ROOT, Frontier, Node, consistency_path, inclusion_path, leaf_hash, node_hash, peaks

CONTENTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes([n])) for n in range(70)]


def root_of(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = max(k for k in accumulate([1] * 7, lambda power, _: power * 2) if k < len(leaves))
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def node_of(leaves: list[bytes]) -> Node:
    def node(level: int, place: int) -> bytes:
        full = leaves[place << level : (place + 1) << level]
        assert len(full) == 1 << level, "Only full subtrees are asked for."
        return root_of(full)

    return node


def grown(leaves: list[bytes], frontier: Frontier | None = None) -> Frontier:
    frontier = frontier or Frontier()
    for leaf in leaves:
        list(frontier.add(leaf))
    return frontier


def test_the_empty_tree_and_the_shared_vectors() -> None:
    assert Frontier().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    leaves = [leaf_hash(content) for content in CONTENTS]
    assert [grown(leaves[:size]).root().hex() for size in range(1, 9)] == ROOTS


@pytest.mark.parametrize("size", range(len(LEAVES)))
def test_a_tree_that_grows_has_the_root_of_the_definition(size: int) -> None:
    assert grown(LEAVES[:size]).root() == root_of(LEAVES[:size])


@pytest.mark.parametrize("size", range(len(LEAVES)))
def test_a_tree_goes_on_from_its_full_subtrees(size: int) -> None:
    frontier = Frontier(size, node_of(LEAVES[:size]))
    assert frontier.root() == root_of(LEAVES[:size])
    assert grown(LEAVES[size:], frontier).root() == root_of(LEAVES)


def test_a_growing_tree_tells_each_subtree_when_it_is_full() -> None:
    frontier, told = Frontier(), {}
    for leaf in LEAVES:
        told.update({(level, place): hash_ for level, place, hash_ in frontier.add(leaf)})
    assert told == {
        (level, place): root_of(LEAVES[place << level : (place + 1) << level])
        for level in range(1, 7)
        for place in range(len(LEAVES) >> level)
    }


def test_a_tree_consists_of_full_subtrees_from_the_largest_on() -> None:
    assert peaks(0) == []
    assert peaks(7) == [(2, 0), (1, 2), (0, 6)]
    assert peaks(64) == [(6, 0)]


@pytest.mark.parametrize("size", range(1, len(LEAVES) + 1))
def test_every_leaf_of_every_tree_is_proven_and_no_other_in_its_place(size: int) -> None:
    root, node = root_of(LEAVES[:size]), node_of(LEAVES[:size])
    for position in range(size):
        path = inclusion_path(position, size, node)
        assert verify_audit.climb(LEAVES[position], position, size - 1, path)[1] == root
        for other in {0, size // 2, size - 1} - {position}:
            assert verify_audit.climb(LEAVES[other], position, size - 1, path)[1] != root


@pytest.mark.parametrize("new", range(1, len(LEAVES) + 1))
def test_every_tree_is_proven_to_begin_with_every_smaller_one(new: int) -> None:
    node = node_of(LEAVES[:new])
    for old in range(1, new):
        path = consistency_path(old, new, node)
        begins_with = [root_of(LEAVES[:old]), *path] if old & (old - 1) == 0 else path
        position, last = old - 1, new - 1
        while position & 1:
            position, last = position >> 1, last >> 1
        assert verify_audit.climb(begins_with[0], position, last, begins_with[1:]) == (
            root_of(LEAVES[:old]),
            root_of(LEAVES[:new]),
        )
    assert consistency_path(new, new, node) == []
