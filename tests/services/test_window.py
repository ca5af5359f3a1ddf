"""The window: never more than its size, room for the next lane, and the urgent ones first."""

import asyncio

from backend.services.window import Window


async def test_a_lane_alone_leaves_a_fifth_and_the_next_finds_room():
    window = Window(200)
    assert await window.take(1, 1_000) == 160
    assert await window.take(2, 1_000) == 40


async def test_two_lanes_that_no_longer_answer_leave_room_for_a_third():
    window = Window(200)
    assert await window.take(1, 100) == 100
    assert await window.take(2, 70) == 70
    assert await window.take(2, 30) == 10
    assert await window.take(3, 100) == 20


async def test_lanes_that_take_turns_have_half_each():
    window = Window(200)
    await window.take(1, 50)
    for _ in range(20):
        for lane in (1, 2):
            if held := window.held(lane):
                window.give_back(lane, held)
            await window.take(lane, 1_000)
    assert 80 <= window.held(1) <= 100
    assert 80 <= window.held(2) <= 100


async def test_a_small_window_still_gives_something():
    for size in (1, 2, 5):
        assert await Window(size).take(1, 100) >= 1


async def test_few_permits_wait_for_company_and_are_given_in_the_end():
    window = Window(200)
    assert await window.take(1, 160) == 160
    waiting = asyncio.create_task(window.take(1, 100))
    await asyncio.sleep(0)
    window.give_back(1, 5)
    await asyncio.sleep(0.2)
    assert not waiting.done()
    assert await asyncio.wait_for(waiting, 2) == 5


async def test_two_fifths_of_the_window_are_company_enough():
    window = Window(200)
    await window.take(1, 160)
    waiting = asyncio.create_task(window.take(1, 100))
    await asyncio.sleep(0)
    window.give_back(1, 80)
    assert await asyncio.wait_for(waiting, 0.05) == 80


async def test_who_is_urgent_takes_the_least_at_once():
    window = Window(200)
    await window.take(1, 160)
    await window.take(2, 40)
    waiting = asyncio.create_task(window.take(3, 100, urgent=True))
    await asyncio.sleep(0)
    window.give_back(1, 2)
    assert await asyncio.wait_for(waiting, 0.05) == 2


async def test_what_is_urgent_takes_what_is_left_and_goes_before_who_waits():
    window = Window(200)
    await window.take(1, 160)
    assert await window.take(1, 40, urgent=True) == 40
    slow = asyncio.create_task(window.take(2, 100))
    fast = asyncio.create_task(window.take(1, 30, urgent=True))
    await asyncio.sleep(0)
    window.give_back(1, 30)
    assert await asyncio.wait_for(fast, 1) == 30
    assert not slow.done()
    slow.cancel()


async def test_who_is_cancelled_while_waiting_leaves_nothing_behind():
    window = Window(200)
    await window.take(1, 160)
    waiting = asyncio.create_task(window.take(1, 100))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    window.give_back(1, 160)
    assert window.held(1) == 0
    assert await window.take(2, 1_000) == 160


async def test_a_permit_that_comes_together_with_a_cancel_is_given_back():
    window = Window(10)
    await window.take(1, 8)
    waiting = asyncio.create_task(window.take(1, 4))
    await asyncio.sleep(0)
    window.give_back(1, 8)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert window.held(1) == 0


async def test_a_closed_window_sends_everybody_away():
    window = Window(200)
    await window.take(1, 160)
    waiting = asyncio.create_task(window.take(1, 100))
    await asyncio.sleep(0)
    window.close()
    assert await waiting == 0
    assert await window.take(2, 1) == 0
