"""Where a Web Push may go: the list, the form of the URL, the address it resolves to."""

import pytest

from backend.providers.push_hosts import PushHosts, endpoint_problem, is_public


@pytest.mark.parametrize(
    "url",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b",
        "https://android.googleapis.com/gcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://autopush.push.services.mozilla.com/wpush/v2/x",
        "https://web.push.apple.com/QOcZ",
        "https://wns2-par02p.notify.windows.com/w/?token=BQY%3d",
        "https://FCM.googleapis.com:443/fcm/send/x",
        "https://push.example.org:8443/sub/1",
        "https://up.example.net/x",
        "https://a.wild.example/x",
        "https://127.0.0.1:9000/x",
        "https://[::1]:9000/x",
    ],
)
def test_allowed(url: str) -> None:
    named = ["push.example.org:8443", "UP.example.net", "*.wild.example", "127.0.0.1:9000", "[::1]:9000"]
    assert endpoint_problem(url, named) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://fcm.googleapis.com/fcm/send/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com./x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://user:pw@fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilnotify.windows.com/x",
        "https://notify.windows.com/x",
        "https://example.com/x",
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[::1]/x",
        "https://[fd00::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/x",
        "https://localhost/x",
        "https://push.example.org/x",
        "https://fcm.googleapis.com/x#fragment",
        "https://fcm.googleapis.com/x y",
        "https://fcm.googleapis.com/x\r\nHost: evil",
        "https://fcm.googleapis.com/\u017c",
        "https://f\u0441m.googleapis.com/x",
        "https://fcm.googleapis.com:99999/x",
        "https://[::1/x",
        "https:///x",
        "fcm.googleapis.com/x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "",
        "https://fcm.googleapis.com/" + "x" * 2_048,
    ],
)
def test_refused(url: str) -> None:
    assert endpoint_problem(url, ["push.example.org:8443"]) is not None
    assert PushHosts(allow_private=True).problem(url) is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "142.250.1.1", "2a00:1450:4001::200a"])
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "192.0.2.1", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "nonsense",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_name_that_resolves_to_private_addresses_is_not_connected_to() -> None:
    hosts = PushHosts(("sim.example:8443",))
    assert hosts.guard("fcm.googleapis.com", 443, "142.250.1.1")
    assert not hosts.guard("fcm.googleapis.com", 443, "127.0.0.1")
    assert hosts.guard("sim.example", 8443, "127.0.0.1")
    assert not hosts.guard("sim.example", 443, "127.0.0.1")
    assert PushHosts(allow_private=True).guard("fcm.googleapis.com", 443, "10.0.0.1")
