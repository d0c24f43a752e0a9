"""A queue in which users take turns."""

import heapq
from collections import OrderedDict
from collections.abc import Callable
from itertools import count

from awe_app.domain.ids import ExecutionId, UserId
from awe_app.domain.tickets import Ticket


class FairQueue:
    """Tickets that wait: users in turn, each user's by priority, equal ones in the order they came.

    Who asks for a thousand executions, or calls all of them urgent, delays the next user by one.
    """

    def __init__(self) -> None:
        self._turns: OrderedDict[UserId | None, list[tuple[int, int, Ticket]]] = OrderedDict()
        """Whose turn is next stands first; nobody stands here without a ticket."""
        self._gone: set[ExecutionId] = set()
        self._waiting: set[ExecutionId] = set()
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, ticket: Ticket) -> None:
        """Let the ticket wait. An execution has one at most."""
        self._waiting.add(ticket.execution_id)
        if ticket.execution_id in self._gone:  # it was taken out and comes back: what is left of it must not count
            self._sweep()
        heapq.heappush(self._turns.setdefault(ticket.user_id, []), (ticket.priority, next(self._numbers), ticket))

    def remove(self, execution_id: ExecutionId) -> None:
        """Take the execution's ticket out, wherever it stands."""
        if execution_id in self._waiting:
            self._waiting.discard(execution_id)
            self._gone.add(execution_id)

    def pop(self, may_run: Callable[[UserId | None], bool]) -> Ticket | None:
        """The next ticket of the next user who may run one more; None when nobody may."""
        for user_id in list(self._turns):
            if not may_run(user_id):
                continue
            tickets = self._turns.pop(user_id)
            while tickets:
                ticket = heapq.heappop(tickets)[2]
                if ticket.execution_id in self._gone:
                    self._gone.discard(ticket.execution_id)
                    continue
                self._waiting.discard(ticket.execution_id)
                if tickets:
                    self._turns[user_id] = tickets  # at the end: the others first
                return ticket
        return None

    def _sweep(self) -> None:
        for user_id, tickets in list(self._turns.items()):
            left = [entry for entry in tickets if entry[2].execution_id not in self._gone]
            heapq.heapify(left)
            if left:
                self._turns[user_id] = left
            else:
                del self._turns[user_id]
        self._gone.clear()
