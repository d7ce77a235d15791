"""Where a stack listens, and where it does not."""

from pathlib import Path

import pytest

from marketplace.stack import Stack, StackError


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "assay.example.org"])  # noqa: S104  (it is refused)
def test_an_installation_for_trying_out_is_not_for_other_machines(tmp_path: Path, host: str) -> None:
    stack = Stack(var=tmp_path / "var", environment={}, host=host, port=0, tell=lambda sentence: None)

    with pytest.raises(StackError) as refusal:
        stack.start()

    assert str(refusal.value).startswith(
        f"{host} can be reached from other machines, and this installation is for trying"
    )
    assert not (tmp_path / "var" / "postgres").exists()
