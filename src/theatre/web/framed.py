"""Letters of others shown to staff: in a frame, as a document that can do nothing and loads nothing."""

from fastapi.responses import HTMLResponse

POLICY = "; ".join(
    (
        # no scripts, no forms, no windows, an origin of its own
        "sandbox",
        "default-src 'none'",
        # letters carry their style with them, as mail programs want it
        "style-src 'unsafe-inline'",
        "img-src data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)


def show_letter(html: str) -> HTMLResponse:
    """Show a letter, whatever stands in it."""
    headers = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, headers={**headers, "Referrer-Policy": "no-referrer"})
