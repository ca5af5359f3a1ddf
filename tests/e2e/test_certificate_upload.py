"""A push certificate from its file to the list: what the browser reads of a .p12 is what the server opens."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest

from tests.providers.samples import push_certificate

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]


def test_a_p12_is_uploaded_with_its_password(open_page, owner, tmp_path):
    now = datetime.now(UTC)
    made = push_certificate("com.example.upload", starts=now - timedelta(days=1), ends=now + timedelta(days=9))
    file = tmp_path / "push.p12"
    file.write_bytes(b64decode(made.p12("s3cret")))
    page = open_page()
    page.goto("/apps")
    page.get_by_text("mailto:push@shop.example").wait_for()
    page.get_by_role("button", name="Add credential").click()
    page.get_by_role("button", name="Certificate (.p12, .pem)").click()
    page.fill("#topic", "com.example.upload")
    page.set_input_files("input[data-fills=certificate]", file)
    page.fill("#password", "wrong")
    add = page.get_by_role("dialog").get_by_role("button", name="Add credential")
    add.click()
    page.get_by_text("Does not open the .p12.").wait_for()
    page.fill("#password", "s3cret")
    add.click()
    page.get_by_role("dialog").wait_for(state="hidden")
    row = page.get_by_role("row").filter(has_text="com.example.upload")
    row.get_by_text(f"Certificate expires {(now + timedelta(days=9)).day} ").wait_for()
