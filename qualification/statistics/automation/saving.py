"""What automation was worth: labels saved, times what a label costs, less what automating and watching it cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """All money in minor units of one currency.

    `labels_by_people` cost `spent_minor` for people's answers; `labels_saved` were made by predictions.
    """

    labels_saved: int
    labels_by_people: int
    spent_minor: int
    automation_cost_minor: int
    monitoring_cost_minor: int

    @property
    def saved_minor(self) -> int | None:
        """What the labels saved would have cost from people, rounded down; None while no label shows what one costs."""
        if not self.labels_by_people:
            return None if self.labels_saved else 0
        return self.labels_saved * self.spent_minor // self.labels_by_people

    @property
    def return_minor(self) -> int | None:
        """Labels saved × label cost − (automation cost + monitoring cost); below 0 where it did not pay."""
        if self.saved_minor is None:
            return None
        return self.saved_minor - (self.automation_cost_minor + self.monitoring_cost_minor)
