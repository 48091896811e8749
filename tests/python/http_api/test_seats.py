# SPDX-License-Identifier: AGPL-3.0-only
"""Who gives way in a full house, and how much is taken up in one turn of the event loop."""

from __future__ import annotations

import asyncio
import random

from sentiric_llama.http.wire.seats import SILENT_S, SLOW_S, Seat, Seats
from sentiric_llama.http.wire.turns import Turns


class House:
    """Seats with a clock of their own; `gone` are the connections that had to go, in order."""

    def __init__(self, most: int, reserve: int = 2) -> None:
        self.now = 0.0
        self.gone: list[Seat] = []
        self.seats = Seats(most, reserve, lambda: self.now)

    def take(self, *, only_reserved: bool = False) -> Seat | None:
        seat = self.seats.take(only_reserved=only_reserved)
        if seat is not None:
            seat.leave_now = lambda: self.gone.append(seat)
        return seat

    def take_one(self) -> Seat:
        seat = self.take()
        assert seat is not None
        return seat


def test_who_rests_longest_gives_way() -> None:
    house = House(3)
    first, second, third = (house.take_one() for _ in range(3))
    for seat in (second, first, third):
        seat.rest()
    second.work()
    second.rest()  # it was used lately
    newcomer = house.take_one()
    assert house.gone == [first] and not newcomer.is_reserved and len(house.seats) == 3


def test_those_at_work_stay_and_probes_get_the_reserve() -> None:
    house = House(2)
    for _ in range(2):
        house.take_one().work()
    reserved = [house.take_one() for _ in range(2)]
    assert all(seat.is_reserved for seat in reserved) and house.gone == []


def test_the_reserve_belongs_to_the_newest() -> None:
    """Silent connections cannot fill it: each newcomer takes the place of the oldest of them."""
    house = House(1)
    house.take_one().work()
    seats = [house.take_one() for _ in range(50)]
    assert house.gone == seats[:48] and len(house.seats) == 3
    for seat in seats[48:]:
        seat.work()
    assert house.take() is None  # all of them have asked something


def test_who_has_sent_nothing_gives_way_after_a_moment() -> None:
    house = House(2)
    silent = house.take_one()
    house.take_one().rest()
    house.now = SILENT_S / 2
    house.take_one()
    assert silent not in house.gone and len(house.gone) == 1  # the other one rested
    house.now = SILENT_S
    house.take_one()
    assert house.gone[1] is silent


def test_who_sends_slowly_goes_last_and_not_at_once() -> None:
    house = House(3)
    slow, resting, silent = (house.take_one() for _ in range(3))
    slow.be_slow()
    resting.rest()
    house.now = SLOW_S
    silent.stay_silent()
    gone = []
    for wait_s in (0.0, 2 * SILENT_S, 0.0):
        house.now += wait_s
        house.take_one().work()
        gone = list(house.gone)
    assert gone == [resting, silent, slow]
    house = House(1)
    house.take_one().be_slow()
    house.now = SLOW_S / 2
    assert house.take_one().is_reserved and not house.gone


def test_who_has_news_is_kept() -> None:
    """A request that lies in the kernel must not be closed with its connection."""
    house = House(2)
    busy, idle = house.take_one(), house.take_one()
    busy.is_quiet = lambda: False
    busy.rest()
    idle.rest()
    house.take_one()
    assert house.gone == [idle]
    idle_again = house.take_one()  # nobody is quiet any more
    assert idle_again.is_reserved and house.gone == [idle]


def test_asking_who_has_news_is_bounded() -> None:
    house, asked = House(100), 0

    def has_news() -> bool:
        nonlocal asked
        asked += 1
        return False

    for _ in range(100):
        seat = house.take_one()
        seat.is_quiet = has_news
        seat.rest()
    assert house.take_one().is_reserved and asked <= 8


def test_without_descriptors_only_probes_are_let_in() -> None:
    house = House(10)
    seat = house.take(only_reserved=True)
    assert seat is not None and seat.is_reserved and len(house.seats) == 1


def test_the_books_balance_after_anything() -> None:
    dice = random.Random(10)
    house, held = House(8, 4), set[Seat]()
    for _ in range(5000):
        house.now += dice.random() / 2
        if dice.random() < 0.4 and (seat := house.take()) is not None:
            held.add(seat)
        held -= set(house.gone)
        if held:
            seat = dice.choice(sorted(held, key=id))
            act = dice.choice([seat.work, seat.rest, seat.stay_silent, seat.be_slow, seat.leave])
            act()
            if act == seat.leave:
                held.discard(seat)
                seat.leave()
        reserved = sum(seat.is_reserved for seat in held)
        assert len(house.seats) == len(held) and reserved <= 4 and len(held) - reserved <= 8
        assert len(set(house.gone)) == len(house.gone)


def test_a_turn_takes_up_a_few_and_the_rest_in_order() -> None:
    async def main() -> None:
        turns, done = Turns(per_turn=3), list[int]()
        told = [turns.run(lambda i=i: done.append(i)) for i in range(10)]  # type: ignore[misc]
        assert told == [True] * 3 + [False] * 7 and done == [0, 1, 2]
        for most in (6, 9, 10):
            await asyncio.sleep(0)
            assert done == list(range(most))
        turns.run(lambda: done.append(10))
        assert len(turns) == 0 and done[-1] == 10

    asyncio.run(main())
