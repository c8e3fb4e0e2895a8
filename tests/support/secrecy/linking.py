"""A person who links their own calendars, and takes that back: what passes on the way is nobody else's to know."""

import tomllib
from urllib.parse import parse_qs, urlsplit

import requests

from carillon.demo.api import eventually

TENANT = "people"
SCOPES = {
    "googlecalendar": "https://www.googleapis.com/auth/calendar.events",
    "o365": "https://graph.microsoft.com/Calendars.ReadWrite",
}


def section(grounds, sign_in, named):
    """The sandbox's settings, made those of a tenant where each person consents alone."""
    google, folder = grounds.google.tokens, grounds.config.parent.resolve()
    client = f'access = "delegated"\nclient_id = "{google.client_id}"\nclient_secret = "{google.client_secret}"\n'
    client += f'sign_in_url = "{grounds.url}/"\ntoken_url = "{grounds.url}/"'
    mine = named.replace(f'service_account = "file:{folder}/google.json"', client)
    return mine.replace(
        f'directory = "{sign_in.directory}"', f'access = "delegated"\ndirectory = "{sign_in.directory}"'
    )


def link_themselves(stage, username):
    """Both kinds, each to its end; what was bought, shown and sent on the way is noted."""
    for kind, consents in (("googlecalendar", stage.grounds.google.tokens.consents), ("o365", stage.sign_in.consents)):
        ident = stage.link(TENANT, kind, username)
        assert eventually(lambda: stage.look(ident, TENANT)["status"] == "NOT_LINKED", 30)  # noqa: B023 - asked here
        consents.redirect_uris = {f"{stage.root}/link/{kind}/callback"}
        _consent(stage, kind, ident, username)
        assert eventually(lambda: stage.look(ident, TENANT)["status"] == "OK", 30)  # noqa: B023 - as above
        consents.withdraw(username)
        bought = enumerate(consents.refresh_tokens())
        stage.words.secrets |= {f"{kind} refresh token {number}": token for number, token in bought}


def _consent(stage, kind, ident, username):
    # An answer tells its caller an address, which is searched for elsewhere.
    headers = {"apiToken": stage.tokens[TENANT]}
    made = requests.post(f"{stage.root}/api/v0/synchronizations/{ident}/link", headers=headers, timeout=30)
    address = made.json()["link"]["url"]
    settings = tomllib.loads(stage.grounds.config.read_text())["tenants"][TENANT]["providers"]
    given = {"verify": settings["o365"]["ca_file"], "allow_redirects": False, "timeout": 30}
    with requests.Session() as browser:
        question = browser.get(address, **given).headers["location"]
        said = {"account": username, "answer": "accept", "scope": SCOPES[kind]}
        back = browser.post(question, data=said, **given).headers["location"]
        cookies = dict(browser.cookies.items())
        done = browser.get(back, **given)
        spent = [browser.get(address, **given), browser.get(back, **given)]
    assert (done.status_code, [each.status_code for each in spent]) == (200, [410, 403])
    for answer in (done, *spent):
        stage.words.hear("api", f"{answer.headers} {answer.text}")
    asked, told = (parse_qs(urlsplit(url).query) for url in (address, back))
    passed = {"ticket": asked["ticket"][0], "signature": asked["signature"][0], "state": told["state"][0]}
    passed |= {"code": told["code"][0], "cookie": next(iter(cookies.values()))}
    stage.words.secrets |= {f"{kind} {name}": word for name, word in passed.items()}
