"""The faults found while a file is read, and the refusal that tells of them: one wrong row keeps the whole file out."""

from typing import Final

from kernel.errors import Invalid
from marketplace.services.import_streams import RowFault

FAULTS_SHOWN: Final = 50


class InvalidImport(Invalid):
    """Some rows cannot be taken, so none was; ``errors`` says which and why (row, column, message), 50 at most."""

    code = "invalid_import"


class Faults:
    """The faults of one file, as they are found."""

    def __init__(self) -> None:
        self._found: list[RowFault] = []

    def add(self, *faults: RowFault) -> None:
        """Keep these. Raises InvalidImport at the last fault shown."""
        for fault in faults:
            self._found.append(fault)
            if len(self._found) >= FAULTS_SHOWN:
                raise self._refusal()

    def refuse_if_any(self) -> None:
        """Raise InvalidImport when anything was wrong."""
        if self._found:
            raise self._refusal()

    def _refusal(self) -> InvalidImport:
        faults = sorted(self._found, key=lambda fault: fault.row)
        count = f"The first {len(faults)} faults" if len(faults) >= FAULTS_SHOWN else f"{len(faults)} faults"
        how_many = "One fault was" if len(faults) == 1 else f"{count} were"
        errors = [{"row": fault.row, "column": fault.column, "message": fault.message} for fault in faults]
        return InvalidImport(f"{how_many} found in the file; nothing was imported.", errors)
