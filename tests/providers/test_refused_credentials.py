"""A credential that is refused is told from a mailbox that is closed to us."""

import pytest
from google.auth import exceptions as auth

from providers import caldav
from providers._googlecalendar_errors import fault
from providers.base import Create, CredentialRefused, MailboxGone, Marks, Unauthorized

OURS = Marks("carillon-test", "17")


@pytest.mark.parametrize("kind", ["ews", "googlecalendar", "o365"])
def test_a_server_that_refuses_what_we_sign_in_with_says_so(request, kind):
    mailbox = request.getfixturevalue(f"open_{kind}")()
    provider = mailbox.connect_refused()
    with pytest.raises(CredentialRefused):
        provider.find(OURS)
    provider.close()


@pytest.mark.parametrize(
    ("username", "meaning"), [("an account for all", CredentialRefused), ("{mailbox}", Unauthorized)]
)
def test_over_caldav_it_is_the_credential_where_one_account_opens_all_calendars(open_caldav, username, meaning):
    """Where each mailbox has a name of its own, it may as well be the name that is wrong."""
    mailbox = open_caldav()
    provider = caldav.connect(mailbox.settings(username=username, password="another"), mailbox.target())
    with pytest.raises(Unauthorized) as caught:
        provider.find(OURS)
    assert type(caught.value) is meaning
    assert "refuses our username or password" in str(caught.value)
    provider.close()


def test_over_caldav_the_reason_is_the_same_whatever_was_asked(open_caldav, lecture, mark):
    """It is remembered, and written down anew when it is another one."""
    mailbox = open_caldav()
    provider = caldav.connect(mailbox.settings(username="an account for all", password="another"), mailbox.target())
    with pytest.raises(CredentialRefused) as found:
        provider.find(OURS)
    with pytest.raises(CredentialRefused) as pushed:
        provider.push([Create(lecture(), mark())])
    assert str(found.value) == str(pushed.value)
    provider.close()


@pytest.mark.parametrize(
    ("word", "description", "meaning"),
    [
        ("invalid_grant", "Invalid JWT Signature.", CredentialRefused),
        ("invalid_grant", "Invalid grant: account not found", CredentialRefused),
        ("unauthorized_client", "Client is unauthorized to retrieve access tokens", CredentialRefused),
        ("access_denied", "Requested client not authorized.", CredentialRefused),
        ("invalid_grant", "Account has been suspended", Unauthorized),
        ("invalid_grant", "", Unauthorized),
        ("invalid_grant", "Invalid email or User ID", MailboxGone),
    ],
)
def test_google_says_in_a_sentence_whether_it_means_the_key_or_a_person(word, description, meaning):
    error = auth.RefreshError(word, {"error": word, "error_description": description})
    assert type(fault(error, writing=False)) is meaning
