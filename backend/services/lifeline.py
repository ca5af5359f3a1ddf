"""Whether our leases can still be ours: who was stopped, or cut off, for a whole lease may have been replaced."""

import time

Mark = tuple[float, float]


class Lifeline:
    """Knows when all leases were last renewed. `intact` may be asked from anywhere, and costs nothing.

    Both clocks count: the steady one stands still while a machine sleeps, the other one may be set back.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._renewed = self.mark()

    @staticmethod
    def mark() -> Mark:
        """This moment; a lease that is renewed from now on is good for its whole length from here."""
        return time.monotonic(), time.time()

    def renewed(self, begun: Mark) -> None:
        """Every lease that we hold was renewed by something that began then."""
        self._renewed = begun

    def intact(self) -> bool:
        """Whether none of our leases can have run out."""
        return self.holds(self._renewed)

    def holds(self, begun: Mark) -> bool:
        """Whether a lease that was renewed then cannot have run out."""
        steady, wall = begun
        return max(time.monotonic() - steady, time.time() - wall) < self._lease
