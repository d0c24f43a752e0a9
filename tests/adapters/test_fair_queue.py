"""Users take turns; one user's executions go by priority, then in order."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from awe_app.adapters.fair_queue import FairQueue
from awe_app.domain.ids import ExecutionId, UserId
from awe_app.domain.tickets import Priority, Ticket

ANN, BEN = UserId("ann"), UserId("ben")


def ticket(name: str, user: UserId | None, priority: Priority = Priority.NORMAL) -> Ticket:
    return Ticket(ExecutionId(name), user, priority)


def drained(queue: FairQueue) -> list[str]:
    taken = []
    while (one := queue.pop(lambda _user: True)) is not None:
        taken.append(str(one.execution_id))
    return taken


def test_who_asks_for_much_delays_the_next_user_by_one() -> None:
    queue = FairQueue()
    for number in range(4):
        queue.put(ticket(f"ann{number}", ANN, Priority.HIGH))
    queue.put(ticket("ben0", BEN, Priority.LOW))
    queue.put(ticket("ben1", BEN))
    assert drained(queue) == ["ann0", "ben1", "ann1", "ben0", "ann2", "ann3"]


def test_a_user_at_the_limit_is_passed_over_and_keeps_the_turn() -> None:
    queue = FairQueue()
    for one in (ticket("ann0", ANN), ticket("ben0", BEN), ticket("ben1", BEN)):
        queue.put(one)
    first = queue.pop(lambda user: user == BEN)
    assert first is not None
    assert first.execution_id == "ben0"
    assert queue.pop(lambda user: user is None) is None
    assert drained(queue) == ["ann0", "ben1"]


class Model(RuleBasedStateMachine):
    """Beside a list that is searched."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = FairQueue()
        self.waiting: list[Ticket] = []

    @rule(
        name=st.integers(0, 12),
        user=st.sampled_from([ANN, BEN, UserId("cat"), None]),
        priority=st.sampled_from(list(Priority)),
    )
    def put(self, name: int, user: UserId | None, priority: Priority) -> None:
        one = ticket(f"e{name}", user, priority)
        if all(other.execution_id != one.execution_id for other in self.waiting):
            self.queue.put(one)
            self.waiting.append(one)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.waiting))
        self.queue.remove(one.execution_id)
        self.waiting.remove(one)

    @rule(full=st.sets(st.sampled_from([ANN, BEN, UserId("cat"), None])))
    def pop(self, full: set[UserId | None]) -> None:
        one = self.queue.pop(lambda user: user not in full)
        may = [other for other in self.waiting if other.user_id not in full]
        assert (one is None) == (not may)
        if one is not None:
            of_user = [other for other in self.waiting if other.user_id == one.user_id]
            assert one == min(of_user, key=lambda other: (other.priority, self.waiting.index(other)))
            self.waiting.remove(one)

    @invariant()
    def the_length_is_right(self) -> None:
        assert len(self.queue) == len(self.waiting)


TestModel = Model.TestCase
