"""What is seen of a training as it goes: the loop in `train.py` keeps these records."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    """What was seen at one validation.

    Attributes:
        step: Optimizer steps so far.
        fraction: Share of the run that is done.
        seconds: CPU seconds so far, of this process and of those before a resume.
        rate: Learning rate.
        loss: Mean training loss since the last record.
        valid: What `validate` said of the averaged weights; the first value decides which are best.
    """

    step: int
    fraction: float
    seconds: float
    rate: float
    loss: float
    valid: dict[str, float]


@dataclass
class History:
    """The records of a run, in order.

    Attributes:
        records: One per validation.
        best: Place of the best record.
        stopped: The run was stopped before its end.
    """

    records: list[Record] = field(default_factory=list)
    best: int = -1
    stopped: bool = False

    def add(self, record: Record) -> bool:
        """Keep a record; True when it is the best so far."""
        self.records.append(record)
        value = next(iter(record.valid.values()))
        if self.best < 0 or value < next(iter(self.records[self.best].valid.values())):
            self.best = len(self.records) - 1
        return self.best == len(self.records) - 1


def describe(record: Record) -> str:
    """A record in one line."""
    errors = ", ".join(f"{name} {value:.4g}" for name, value in record.valid.items())
    return f"{record.fraction:4.0%}  step {record.step:6d}  {record.seconds:5.0f} s  {errors}"
