"""What is refused on the way: reused, expired, foreign and forged addresses, other people, and other places to go."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from sandbox.faults import Fault

PORTAL = "https://portal.example.org/calendar?tab=links"


def refused(answer, status, *words):
    """Whether a person is told so, on a page of ours that leads nowhere."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "was not linked" in answer.text
    assert "location" not in answer.headers
    for word in words:
        assert word in answer.text


@pytest.fixture(autouse=True)
def _nothing_is_linked(request, way):
    yield
    if "good_once" not in request.node.name:
        assert way.linked() is None
        assert way.run().outcome == "NOT_LINKED"


def test_an_address_is_good_once(way):
    address = way.address()
    way.open(address)
    refused(way.browser.get(address), 410, "used already")
    refused(way.house.browser().get(address), 410, "used already")


def test_of_those_who_open_an_address_at_once_one_is_asked(way):
    address = way.address()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: way.house.browser().get(address), range(8)))
    assert sorted(answer.status_code for answer in answers) == [302, *[410] * 7]


def test_an_address_is_good_for_ten_minutes(way):
    early, late = way.address(), way.address()
    way.house.clock.now += timedelta(minutes=9, seconds=58)
    way.open(early)
    way.house.clock.now += timedelta(seconds=3)
    refused(way.browser.get(late), 410, "too old")


def test_an_answer_is_good_for_ten_minutes(way):
    back = way.say(way.open())
    way.house.clock.now += timedelta(minutes=10)
    refused(way.browser.get(back), 410, "too old")


@pytest.mark.parametrize("name", ["ticket", "expires", "signature"])
def test_a_forged_address_is_refused(way, parts, name):
    address = way.address()
    value = parts(address)[name]
    other = str(int(value) + 3600) if name == "expires" else value[:-2] + ("AA" if value[-2:] != "AA" else "BB")
    for changed in (address.replace(value, other), address.replace(f"{name}={value}", ""), address.replace(value, "")):
        refused(way.browser.get(changed), 400, "not one that we gave out")
    way.open(address)  # the true one is none the worse


def test_an_address_for_one_kind_is_none_for_another(way):
    for other in {"googlecalendar", "o365", "memory", "ews", "nothing", "%00"} - {way.kind}:
        address = way.address()
        refused(
            way.browser.get(address.replace(f"/link/{way.kind}?", f"/link/{other}?")), 400, "not one that we gave out"
        )


def test_an_answer_in_another_browser_is_refused(way):
    back = way.say(way.open())
    refused(way.house.browser().get(back), 403, "another browser")


def test_an_answer_in_a_browser_that_was_on_another_way_is_refused(way):
    mine, theirs = way.open(), way.house.browser()
    began = theirs.get(way.address())
    (cookie,) = theirs.session.cookies
    back = way.say(mine)
    (own,) = way.browser.session.cookies
    answer = theirs.session.get(back, headers={"Cookie": f"{own.name}={cookie.value}"}, **theirs.given)
    assert began.status_code == 302
    refused(answer, 403, "another browser")


@pytest.mark.parametrize("word", ["", "made-up", "\0"])
def test_an_answer_that_nobody_was_asked_for_is_refused(way, parts, word):
    back = way.say(way.open())
    refused(way.browser.get(back.replace(parts(back)["state"], word)), 400, "Nobody was sent away")


def test_an_answer_is_good_once(way):
    back = way.say(way.open())
    header = "; ".join(f"{name}={value}" for name, value in way.browser.session.cookies.items())

    def answered(_):
        again = way.house.browser()
        return again.session.get(back, headers={"Cookie": header}, **again.given)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answered, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[410] * 7]
    refused(answered(0), 410, "answered already")


def test_an_answer_for_another_kind_is_refused(way):
    back = way.say(way.open())
    other = "o365" if way.kind == "googlecalendar" else "googlecalendar"
    refused(way.browser.get(back.replace(f"/link/{way.kind}/", f"/link/{other}/")), 400)


def test_another_person_who_consents_is_refused(way, parts):
    somebody = way.house.far_side.people[-1]
    refused(way.browser.get(way.say(way.open(), account=somebody)), 403, "Another account consented")
    answer = way.browser.get(way.say(way.open(json={"returnUrl": PORTAL}), account=somebody))
    assert (answer.status_code, parts(answer.headers["location"])["link"]) == (302, "other-account")


def test_what_another_person_gave_by_mistake_is_given_back(way_of):
    way = way_of("googlecalendar")
    before = set(way.consents.refresh_tokens())
    way.browser.get(way.say(way.open(), account=way.house.far_side.people[-1]))
    (given,) = set(way.consents.refresh_tokens()) - before
    with pytest.raises(Exception, match="withdrawn"):
        way.consents.renew(given)


def test_who_consents_by_mistake_keeps_what_they_linked_themselves(way_of):
    """Google ends with one token all that its person consented to."""
    way, other = way_of("googlecalendar"), way_of("googlecalendar")
    other.link()
    refused(way.browser.get(way.say(way.open(), account=other.account)), 403, "Another account consented")
    assert other.resync().outcome == "OK"


def test_who_does_not_consent_is_told_so_or_sent_back(way):
    refused(way.browser.get(way.say(way.open(), "refuse")), 403, "You did not consent")
    answer = way.browser.get(way.say(way.open(json={"returnUrl": PORTAL}), "refuse"))
    assert answer.headers["location"] == f"{PORTAL}&link=refused"


def test_half_a_consent_is_none(way, parts, caplog):
    refused(way.browser.get(way.say(way.open(), scopes=[])), 403, "You did not let us do all that is needed")
    answer = way.browser.get(way.say(way.open(json={"returnUrl": PORTAL}), scopes=[]))
    assert parts(answer.headers["location"])["link"] == "refused"
    assert f"not linked type={way.kind} reason=The person's consent lacks" in caplog.text


def test_a_code_from_elsewhere_is_worth_nothing(way, parts):
    """Whoever has somebody's code and not what was kept here."""
    stolen, own = way.say(way.open()), way.say(way.open())
    mixed = own.replace(parts(own)["code"], parts(stolen)["code"])
    refused(way.browser.get(mixed), 403, "your answer came too late")


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example.org/calendar",
        "https://portal.example.org/calendar?tab=links&x=1",
        "https://portal.example.org/calendar?tab=links#",
        "https://evil.example.org/calendar?tab=links",
        "https://portal.example.org@evil.example.org/calendar?tab=links",
        "//portal.example.org/calendar?tab=links",
        "",
    ],
)
def test_nobody_is_sent_anywhere_else(way, url):
    answer = way.ask(json={"returnUrl": url})
    assert answer.status_code == 400
    assert answer.json()["errorMessage"].startswith("returnUrl: expected one of this tenant's link_return_urls")
    assert way.house.requests() == []


def test_where_nobody_may_be_sent_any_more_nobody_is(way, monkeypatch):
    question = way.open(json={"returnUrl": PORTAL})
    for tenant in way.house.installation.tenants.values():
        monkeypatch.setitem(tenant.settings.__dict__, "link_return_urls", ())
    refused(way.browser.get(way.say(question, "refuse")), 403, "You did not consent")


def test_a_sign_in_that_is_away_costs_nobody_the_address(way_of, caplog):
    """Microsoft's is asked where people sign in, before they are sent there."""
    way = way_of("o365")
    address = way.address()
    way.house.graph.wire.faults.add(Fault("*/openid-configuration", "error"))
    refused(way.browser.get(address), 502, "Signing in did not work")
    way.house.graph.wire.faults.clear()
    assert "not linked type=o365 reason=Microsoft's sign-in cannot be reached" in caplog.text
    way.open(address)


def test_a_token_endpoint_that_is_away_is_told_in_one_word(way, parts, caplog):
    back = way.say(way.open(json={"returnUrl": PORTAL}))
    way.wire.faults.add(Fault("*/token", "error"))
    assert parts(way.browser.get(back).headers["location"])["link"] == "failed"
    assert f"not linked type={way.kind} reason=" in caplog.text
    assert way.account not in caplog.text
    way.wire.faults.clear()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("unauthorized_client", "answered unauthorized_client where"),
        ("x\nnot linked", "answered neither a code nor a reason where"),
        ("x" * 999, "answered neither a code nor a reason where"),
    ],
)
def test_what_is_answered_in_the_place_of_a_code_is_logged(way, parts, caplog, said, told):
    state = parts(way.open(json={"returnUrl": PORTAL}))["state"]
    answer = way.browser.session.get(
        f"{way.house.api}/link/{way.kind}/callback", params={"error": said, "state": state}, **way.browser.given
    )
    assert parts(answer.headers["location"])["link"] == "failed"
    assert f"not linked type={way.kind} reason=The identity provider {told} the person signed in." in caplog.text
    assert said == "unauthorized_client" or said not in caplog.text


def test_a_call_that_is_not_as_it_should_be_is_refused(way):
    assert way.ask(json={"x": 1}).status_code == 400
    assert way.ask(data="x").status_code == 415
    way.headers = {}
    assert way.ask().status_code == 401


def test_there_is_no_address_for_what_is_not_there_or_needs_no_consent(way):
    assert way.ask(ident=999).status_code == 404
    answer = way.ask(ident=way.house.provision("memory", way.account))
    assert answer.status_code == 409
    assert answer.json()["errorMessage"].startswith("Nobody consents to memory for themselves here: that takes")
    answer = way.ask(ident=way.house.provision(way.kind, "nobody"))
    assert answer.status_code == 409
    assert answer.json()["errorMessage"] == (
        "provisioning_smtpAddress: must be the account's e-mail address, like alice@example.org: "
        "provision the synchronization again."
    )
