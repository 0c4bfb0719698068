"""Devices as their users know them: the browser and the system that a user agent names."""

BROWSERS = (
    ("YaBrowser/", "Yandex Browser"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
MAX_NAME_CHARACTERS = 60


def name_of(user_agent: str) -> str:
    """Name a device, `Firefox, Linux`. What is no browser is called by its first word; nothing gives nothing."""
    named = [
        next((name for mark, name in names if mark in user_agent), None) for names in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(filter(None, named)) or user_agent.partition(" ")[0][:MAX_NAME_CHARACTERS]
