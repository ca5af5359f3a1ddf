"""Which credential serves a device, and which push services a browser's subscription may name."""

from urllib.parse import urlsplit

from backend.db import Work
from backend.domain.message import Address
from backend.domain.vocabulary import Environment, ProviderName
from backend.errors import NotFound
from backend.providers.push_hosts import endpoint_problem as problem_with
from backend.queries import audience
from backend.queries import credentials as queries
from backend.services import credentials


def lane(work: Work, address: Address) -> int | None:
    """The app's active credential for this address; None while there is none.

    Only APNs keeps its two worlds apart by credential; elsewhere a sandbox device without a
    credential of its own goes through production's.
    """
    found = credentials.active_for(work, address.provider, address.environment)
    if found is None and address.provider is not ProviderName.APNS:
        return credentials.active_for(work, address.provider, Environment.PRODUCTION)
    return found


def webpush_key(work: Work) -> str:
    """The public key that a browser subscribes with. Raises `NotFound` while the app has none."""
    number = credentials.active_for(work, ProviderName.WEBPUSH, Environment.PRODUCTION)
    row = queries.by_number(work.session, number) if number is not None else None
    if row is None:
        raise NotFound("This app has no Web Push credential yet.")
    return str(row.public["public_key"])


def endpoint_problem(work: Work, endpoint: str) -> str | None:
    """Why a subscription's endpoint is not taken; besides the known services, the operator's own are."""
    named = work.core.settings.push_hosts
    problem = problem_with(endpoint, named)
    if problem is None:
        return None
    own = [urlsplit(url).netloc for url in audience.push_endpoints(work.session, work.app_id)]
    return problem_with(endpoint, (*named, *own)) if own else problem
