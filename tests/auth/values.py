"""Values that break careless programs for every text that a door takes."""

HOSTILE_TEXTS = (
    "",
    " ",
    "x" * 10_000,
    "nul\x00inside",
    "🎬" * 64,
    "e\u0301" * 32,
    "\u202eright-to-left",
    "'\"--;",
    "%_\\",
    "{{7*7}}${7*7}<%= 7*7 %>",
    '<script>alert(1)</script>"><svg onload=x>',
    "line\r\nbreak",
    "../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "0000-01-01T00:00:00+99:99",
    "{01900000-0000-7000-8000-000000000000}",
    "urn:uuid:01900000-0000-7000-8000-000000000000",
    "9" * 5_000,
)
