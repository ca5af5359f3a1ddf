"""The demo's segments and lists: somebody is in each, and they are made once."""

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import demo, lists, segment_shelf, segmentation
from tests.factories import Simulator


def test_somebody_is_in_each_and_what_was_archived_stays_so(core: Core, provider: Simulator):
    def filled() -> int:
        with core.work(OPERATOR) as work:
            return demo.fill(work, provider.authority, "demo", 1200).app.number

    app = filled()
    with core.work(OPERATOR, app) as work:
        segments = [one.segment for one in segment_shelf.shelf(work)]
        assert len(segments) == 5
        found = {one.name: segmentation.estimate(work, one.rules).users for one in segments}
        assert all(0 < users < 1000 for users in found.values()), found
        sizes = {one.name: one.members for one in lists.listing(work).items}
        assert sizes == {"Beta testers": 24, "Invited to the autumn sale": found["Bought twice in 30 days"]}
        segmentation.delete(work, segments[0].id)
    assert filled() == app
    with core.work(OPERATOR, app) as work:
        assert (len(segment_shelf.shelf(work)), len(lists.listing(work).items)) == (4, 2)
