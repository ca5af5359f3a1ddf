"""The web SDK and the service worker in a real browser: registered, shown, opened, reported.

The browser's push service is stood in for by the simulator's subscription, since no test can reach the real one;
the push itself is handed to the worker through the browser's own debugging protocol, as its push service would.
"""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

PAGE = '<!doctype html><title>Shop</title><h1>Shop</h1><script src="{api}/tocsin.js"></script>'
WORKER = 'importScripts("{api}/push-worker.js");'
SUBSCRIBE = """
const made = %s;
const standing = { ...made, options: {}, toJSON: () => made, unsubscribe: async () => true };
let asked = false;
PushManager.prototype.subscribe = async () => { asked = true; return standing; };
PushManager.prototype.getSubscription = async () => (asked ? standing : null);
"""
SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
    .map(({ title, body, data }) => ({ title, body, navigate: data.navigate }))"""
TAPPED = """async () => {
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action: "buy" }));
}"""


@pytest.fixture
def site(product) -> Iterator[str]:
    """Somebody's own web site that uses Tocsin; localhost is as good as https to a browser."""
    files = {
        "/": ("text/html", PAGE),
        "/push-worker.js": ("text/javascript", WORKER),
        "/sale": ("text/html", "<h1>Sale</h1>"),
    }

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text = files.get(self.path, ("text/plain", ""))
            body = text.format(api=product.base).encode()
            self.send_response(200 if text else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(product) -> Iterator[httpx.Client]:
    """The shop's own back end."""
    key = product.command("key", "add", "--app", "demo", "--scope", "admin")["key"]
    with httpx.Client(base_url=f"{product.base}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


@pytest.fixture
def browser(chromium, product) -> Iterator:
    """Somebody's browser that has said yes to notifications."""
    context = chromium.new_context(permissions=["notifications"])
    context.add_init_script(
        SUBSCRIBE % json.dumps(product.simulator.device_address("webpush", 900_001)["subscription"])
    )
    yield context
    context.close()


def until(ask, fits, seconds: float = 20.0):
    """What `ask` answers, once it fits."""
    deadline = time.monotonic() + seconds
    while not fits(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


def hand_over(page, site: str, body: str) -> list[dict[str, str]]:
    """What is shown of it, handed over as the browser's push service does: again if it was lost on the way.

    Chromium's tools lose one in five; a repeat takes the place of its twin.
    """
    protocol = page.context.new_cdp_session(page)
    seen: list[str] = []
    protocol.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: seen.extend(one["registrationId"] for one in told["registrations"] if site in one["scopeURL"]),
    )
    protocol.send("ServiceWorker.enable")
    until(lambda: page.wait_for_timeout(50) or seen, bool)
    for _ in range(5):
        protocol.send("ServiceWorker.deliverPushMessage", {"origin": site, "registrationId": seen[-1], "data": body})
        with suppress(AssertionError):
            return until(lambda: page.evaluate(SHOWN), bool, seconds=4)
    raise AssertionError("nothing is shown")


def test_a_browser_registers_shows_a_push_and_reports_it(owner, open_page, product, server, site, browser):
    app = next(one for one in server.get("/apps").json()["items"] if one["slug"] == "demo")
    server.patch(f"/apps/{app['id']}", json={"allowed_origins": [site]}).raise_for_status()
    console = open_page()
    console.goto("/channels?platform=web")
    console.get_by_role("button", name="Make a client key").click()
    key = console.locator(".secret").inner_text().strip()
    expect(console.locator("pre.code").last).to_contain_text(key)

    page = browser.new_page()
    page.goto(site)
    assert page.evaluate("(key) => tocsin.start({ key })", key) == "off"
    device = page.evaluate("() => tocsin.subscribe('ana-on-the-web')")
    assert page.evaluate("() => tocsin.state()") == "on"
    page.evaluate("() => tocsin.event('cart_abandoned', { properties: { items: 3 }, value: 59.9, currency: 'EUR' })")
    page.evaluate("() => tocsin.attributes({ plan: 'pro' })")
    held = server.get("/users/ana-on-the-web").json()
    assert [one["id"] for one in held["devices"]] == [device]
    assert held["attributes"] == {"plan": "pro"}
    assert held["devices"][0]["permission"] == "granted"

    content = {
        "title": "Hi {{ user.plan }}", "body": "It is on", "link": f"{site}/sale",
        "actions": [{"id": "buy", "title": "Buy", "link": f"{site}/buy"}],
    }  # fmt: skip
    sent = server.post("/messages", json={"to": {"device_ids": [device]}, "content": content}).json()
    delivery = f"/deliveries/{sent['deliveries'][0]}"
    told = until(lambda: server.get(delivery).json(), lambda one: one["state"] == "accepted")
    shown = hand_over(page, site, told["body"])
    assert shown == [{"title": "Hi pro", "body": "It is on", "navigate": f"{site}/sale"}]
    browser.service_workers[0].evaluate(TAPPED)
    wanted = {"delivered", "displayed", "opened", "action"}
    until(lambda: server.get(delivery).json(), lambda one: {each["type"] for each in one["receipts"]} == wanted)
    expect(console.locator(".marks .mark-done")).to_have_count(4)

    page.evaluate("() => tocsin.signOut()")
    assert server.get(f"/devices/{device}").json()["user_id"] is None
    page.evaluate("() => tocsin.unsubscribe()")
    assert server.get(f"/devices/{device}").status_code == 404
    assert page.evaluate("() => tocsin.state()") == "off"
