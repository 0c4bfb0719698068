"""The local mailbox, open to everybody; there only where mail does not leave (see `app`)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from theatre.kit.db import InTransaction
from theatre.kit.fields import Storable
from theatre.kit.routing import StrictRoute
from theatre.notification import mailbox
from theatre.notification.schemas import MailAnswer, MailsAnswer

router = APIRouter(prefix="/mail", tags=["mailbox"], route_class=StrictRoute)

To = Annotated[str, Query(max_length=320), Storable]
# A mail may carry anything: no script, no request to anybody. Styles are its own and the page's.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@router.get("/api/v1/messages", summary="Newest mails, or those to one address")
async def list_messages(session: InTransaction, to: To = "") -> MailsAnswer:
    mails = await mailbox.list_newest(session, to=to)
    return MailsAnswer(items=[MailAnswer.model_validate(mail) for mail in mails])


@router.get("", response_class=HTMLResponse, summary="The mailbox as a page")
async def show_mailbox(request: Request, session: InTransaction, to: To = "") -> Response:
    return page(request, "mailbox", mails=await mailbox.list_newest(session, to=to), to=to)


@router.get("/{mail_id}", response_class=HTMLResponse, summary="One mail as a page")
async def show_mail(request: Request, mail_id: UUID, session: InTransaction) -> Response:
    return page(request, "mail", mail=await mailbox.get(session, mail_id))


def page(request: Request, name: str, **values: object) -> Response:
    """Render a page of the mailbox."""
    template = request.app.state.resources.writer.templates.get_template(f"pages/{name}.html")
    return HTMLResponse(template.render(values), headers={"Content-Security-Policy": POLICY})
