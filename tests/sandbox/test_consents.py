"""The identity providers that the sandbox plays: who is asked, and what an answer is worth."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.consents import AskedWronglyError, Consents, OverError

BACK = "https://carillon.example.org/link/callback?x=1"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
QUESTION = {
    "client_id": "application",
    "redirect_uri": BACK,
    "response_type": "code",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "the state",
    "scope": "openid events",
}


class Clock:
    now = datetime(2026, 10, 14, 8, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=[True, False], ids=["rotating", "lasting"])
def consents(request, clock):
    made = Consents("application", clock, rotates=request.param)
    made.redirect_uris.add(BACK)
    return made


@pytest.fixture
def code(consents):
    """Of somebody who said yes."""
    back = consents.accept(consents.asked(QUESTION), "Alice@example.org", {"openid", "events"})
    told = parse_qs(urlsplit(back).query)
    assert (told["state"], told["x"]) == (["the state"], ["1"])
    return told["code"][0]


def worth(consents, code, **other):
    return consents.redeem({"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, **other})


def over(reason):
    return pytest.raises(OverError, match=f"^{reason}$")


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://carillon.example.org/link/callback"},
        {"response_type": "token"},
        {"response_mode": "form_post"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
def test_a_question_that_is_not_as_it_should_be_is_put_to_nobody(consents, change):
    with pytest.raises(AskedWronglyError):
        consents.asked({**QUESTION, **change})


def test_a_code_is_worth_what_the_person_consented_to(consents, code):
    found = worth(consents, code)
    assert (found.account, found.scopes) == ("alice@example.org", {"openid", "events"})


def test_a_code_that_is_used_again_ends_what_came_of_it(consents, code):
    token = consents.refresh_token(worth(consents, code))
    with over("used"):
        worth(consents, code)
    with over("withdrawn"):
        consents.renew(token)


def test_a_code_is_bound_to_its_question(consents, code):
    with over("redirect_uri"):
        worth(consents, code, redirect_uri="https://carillon.example.org/")


def test_a_code_without_its_verifier_is_worth_nothing(consents, code):
    with over("code_verifier"):
        worth(consents, code, code_verifier="w" * 43)


def test_a_code_is_good_for_a_few_minutes(consents, code, clock):
    clock.now += timedelta(minutes=5)
    with over("expired"):
        worth(consents, code)


def test_a_refresh_token_is_good_once_or_until_it_runs_out(consents, code, clock):
    first = consents.refresh_token(worth(consents, code))
    found, second = consents.renew(first)
    assert found.account == "alice@example.org"
    if second is None:
        consents.renew(first)
    clock.now += timedelta(days=91)
    with over("expired"):
        consents.renew(second or first)


def test_a_refresh_token_that_is_used_twice_ends_its_family(clock):
    consents = Consents("application", clock, rotates=True)
    consents.redirect_uris.add(BACK)
    back = consents.accept(consents.asked(QUESTION), "alice@example.org", {"events"})
    first = consents.refresh_token(worth(consents, parse_qs(urlsplit(back).query)["code"][0]))
    _, second = consents.renew(first)
    with over("withdrawn"):
        consents.renew(first)
    with over("withdrawn"):
        consents.renew(second)
    assert consents.reused == 1


def test_what_a_person_or_the_application_takes_back_is_over(consents, code):
    found = worth(consents, code)
    mine, other = consents.refresh_token(found), consents.refresh_token(found)
    consents.revoke(mine)
    assert not consents.holds(found)
    with over("withdrawn"):
        consents.renew(other)
    consents.withdraw("nobody@example.org")
    consents.withdraw("ALICE@example.org")
    with over("unknown"):
        consents.renew("made up")
