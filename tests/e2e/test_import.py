"""A file of people from the browser to the database: uploaded, mapped, tried, run, its refusals downloaded."""

import re

import pytest

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]
PEOPLE = "Customer;Full name;Spent\n" + "".join(f"import-{n};Anna {n};{n}.5\n" for n in range(1200)) + "me;Nobody;1\n"


def test_people_are_imported_and_put_into_a_list(open_page, owner, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    page = open_page()
    page.goto("/import")
    page.set_input_files("[data-upload] input[type=file]", file)
    page.wait_for_url(re.compile(r"/import/imp_"))
    page.get_by_role("combobox", name="Customer becomes").select_option("user_id")
    page.get_by_role("button", name="Try the first 1,000 rows").click()
    page.get_by_text("1 000 new".replace(" ", "\u202f", 1)).wait_for()
    page.get_by_role("button", name="Start import").click()
    page.get_by_text("Finished").wait_for()
    page.get_by_text("cannot be anybody's id").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    row = download.value.path().read_text().splitlines()[1]
    assert row.startswith("1201,")
    assert row.endswith("me,Nobody,1")

    page.goto("/lists")
    page.get_by_role("button", name="New list").first.click()
    page.fill("#list_name", "From a paste")
    page.get_by_role("button", name="Create list").click()
    page.get_by_text("Nobody is in this list yet").wait_for()
    page.fill("#user_ids", "import-7, import-8\nstranger")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("2 people added. 1 id that nobody has: stranger").wait_for()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as exported:
        page.get_by_role("menuitem", name="CSV").click()
    assert "import-8" in exported.value.path().read_text(encoding="utf-8-sig")
