"""For whoever runs the installation: apps, credentials, members, keys, the audit trail."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query

from backend.api.admin_shapes import (
    AppChange,
    AppDetail,
    AppIn,
    AppOut,
    AuditOut,
    CredentialOut,
    CredentialStatusIn,
    InvitationOut,
    KeyIn,
    KeyOut,
    MemberIn,
    MemberOut,
    NewKey,
    RoleIn,
)
from backend.api.deps import AdminCaller, Caller, acting_in
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.errors import Invalid
from backend.services import apps, audit, credentials, ids, keys, members
from backend.services.page import Page

router = APIRouter(tags=["Admin"])
Id = Annotated[str, Path(max_length=64)]
AppId = Annotated[str, Path(max_length=64, description="The app's id.")]
AppQuery = Annotated[str | None, Query(max_length=64, description="The app to act in; the key's own when absent.")]


def _in_app(caller: AdminCaller, app: AppId) -> Caller:
    return acting_in(caller, app)


def _in_chosen(caller: AdminCaller, app_id: AppQuery = None) -> Caller:
    return acting_in(caller, app_id) if app_id else caller


InApp = Annotated[Caller, Depends(_in_app)]
InChosen = Annotated[Caller, Depends(_in_chosen)]


@router.get("/apps", summary="Every app")
def list_apps(caller: AdminCaller) -> PageOut[AppOut]:
    with caller.core.reading(caller.actor) as work:
        return PageOut(items=[AppOut.model_validate(row) for row in apps.list_apps(work)])


@router.post("/apps", status_code=201, summary="Make an app")
def create_app(caller: AdminCaller, body: AppIn) -> AppDetail:
    with caller.core.work(caller.actor) as work:
        row = apps.create_app(work, **body.model_dump())
        return _app_detail(row, apps.identity_secret(work, row.number))


@router.get("/apps/{app}", summary="One app, with its identity secret")
def get_app(caller: AdminCaller, app: AppId) -> AppDetail:
    with caller.core.reading(caller.actor) as work:
        number = ids.number(work, ids.APP, app)
        return _app_detail(apps.get_app(work, number), apps.identity_secret(work, number))


@router.patch("/apps/{app}", summary="Change an app")
def change_app(caller: AdminCaller, app: AppId, body: AppChange) -> AppOut:
    changes = body.model_dump(exclude_unset=True)
    if empty := [name for name, value in changes.items() if value is None and name != "website"]:
        raise Invalid(empty[0], "cannot be null")
    with caller.core.work(caller.actor) as work:
        return AppOut.model_validate(apps.update_app(work, ids.number(work, ids.APP, app), **changes))


@router.get("/apps/{app}/credentials", summary="The app's credentials")
def list_credentials(caller: InApp) -> PageOut[CredentialOut]:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        rows = credentials.list_credentials(work)
        return PageOut(items=[CredentialOut.model_validate(row) for row in rows])


@router.post("/apps/{app}/credentials", status_code=201, summary="Add a credential")
def add_credential(caller: InApp, body: Annotated[dict[str, Any], Body()]) -> CredentialOut:
    """`provider` beside the provider's own fields.

    apns: `topic`, `environment`, and `team_id`, `key_id`, `private_key` or `certificate` (a PEM with its key, or
    a .p12 in base64) and its `password` · fcm: `service_account` · webpush: `subject`, `public_key` and
    `private_key` (made when absent). Each may have `endpoint` (a base URL) and `ca` (a PEM bundle).
    """
    with caller.core.work(caller.actor, caller.app_id) as work:
        return CredentialOut.model_validate(credentials.add_credential(work, str(body.get("provider")), body))


@router.get("/apps/{app}/credentials/{credential}", summary="One credential")
def get_credential(caller: InApp, credential: Id) -> CredentialOut:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return CredentialOut.model_validate(credentials.get_credential(work, credential))


@router.patch("/apps/{app}/credentials/{credential}", summary="Retire a credential, or take it up again")
def change_credential(caller: InApp, credential: Id, body: CredentialStatusIn) -> CredentialOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return CredentialOut.model_validate(credentials.set_status(work, credential, body.status))


@router.delete("/apps/{app}/credentials/{credential}", status_code=204, summary="Delete a credential that nobody needs")
def delete_credential(caller: InApp, credential: Id) -> None:
    with caller.core.work(caller.actor, caller.app_id) as work:
        credentials.delete_credential(work, credential)


@router.post("/apps/{app}/credentials/{credential}/verify", summary="Ask the provider whether it believes it")
async def verify_credential(caller: InApp, credential: Id) -> CredentialOut:
    """Good news sets `verified_at` and lets a held lane send again; bad news is the `reason`."""
    row = await credentials.verify(caller.core, caller.app_id, credential, caller.actor)
    return CredentialOut.model_validate(row)


@router.get("/members", summary="Members and their roles")
def list_members(caller: InChosen, app_id: AppQuery = None) -> PageOut[MemberOut]:
    """With `app_id` those who may open that app, else everybody."""
    with caller.core.reading(caller.actor, caller.app_id if app_id else None) as work:
        return PageOut(items=[MemberOut.model_validate(row) for row in members.list_members(work)])


@router.post("/members", status_code=201, summary="Add or invite a member")
def add_member(caller: AdminCaller, body: MemberIn) -> MemberOut | InvitationOut:
    place = acting_in(caller, body.app_id).app_id if body.app_id else None
    with caller.core.work(caller.actor, place) as work:
        if body.password is not None:
            given = {"password": body.password, "name": body.name}
            return MemberOut.model_validate(members.add_member(work, body.email, body.role, app_number=place, **given))
        token = members.invite(work, body.email, body.role, app_number=place)
    return InvitationOut(email=body.email, invitation=f"{caller.core.settings.base_url}/setup?token={token}")


@router.patch("/members/{member}", summary="Change a member's role")
def change_member(caller: AdminCaller, member: Id, body: RoleIn) -> MemberOut:
    place = acting_in(caller, body.app_id).app_id if body.app_id else None
    with caller.core.work(caller.actor, place) as work:
        return MemberOut.model_validate(members.change_role(work, member, body.role, app_number=place))


@router.delete("/members/{member}", status_code=204, summary="Remove a member")
def remove_member(caller: AdminCaller, member: Id) -> None:
    with caller.core.work(caller.actor) as work:
        members.remove(work, member)


@router.get("/keys", summary="The app's API keys")
def list_keys(caller: InChosen) -> PageOut[KeyOut]:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return PageOut(items=[KeyOut.model_validate(row) for row in keys.list_keys(work)])


@router.post("/keys", status_code=201, summary="Make an API key")
def add_key(caller: InChosen, body: KeyIn) -> NewKey:
    caller = acting_in(caller, body.app_id) if body.app_id else caller
    with caller.core.work(caller.actor, caller.app_id) as work:
        row, secret = keys.add_key(work, scope=body.scope, name=body.name)
    return NewKey(**KeyOut.model_validate(row).model_dump(), key=secret)


@router.delete("/keys/{key}", status_code=204, summary="Revoke an API key")
def revoke_key(caller: InChosen, key: Id) -> None:
    with caller.core.work(caller.actor, caller.app_id) as work:
        keys.revoke_key(work, key)


@router.get("/audit", summary="Who did what")
def read_audit(caller: InChosen, limit: Limit = DEFAULT, cursor: Cursor = None) -> PageOut[AuditOut]:
    """The newest first; of the key's app, or of `app_id`'s."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        found: Page[audit.AuditRow] = audit.listing(work, cursor=cursor, limit=limit)
        return PageOut[AuditOut].model_validate(found)


def _app_detail(row: apps.AppRow, secret: str) -> AppDetail:
    return AppDetail(**AppOut.model_validate(row).model_dump(), identity_secret=secret)
