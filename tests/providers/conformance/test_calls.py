"""What `providers.base.Provider` promises, for every provider against a server: a call, a look around, an end."""

from contextlib import suppress

import pytest

from providers.base import Ambiguous, ContractBroken, Create, Marks, ProviderError, Unauthorized, Unavailable

OURS = Marks("carillon-test")


class TestOneMailbox:
    """One mailbox at one calendar server, for the length of a run. Every call has a timeout; nothing is retried."""

    def test_what_one_mailbox_is_given_another_does_not_have(self, open_mailbox, lecture, mark):
        one, other = open_mailbox(), open_mailbox()
        one.put(lecture(), mark())
        assert len(one.listing()) == 1
        assert other.listing() == {}
        assert other.connect().find(OURS) == []

    def test_a_later_run_finds_what_an_earlier_one_wrote(self, mailbox, lecture, mark):
        ref = mailbox.put(lecture(), mark())
        (found,) = mailbox.connect().find(OURS)
        assert found.ref == ref

    @pytest.mark.case("peers", 21)
    def test_a_silent_server_is_waited_for_no_longer_than_the_timeout(self, wired, lecture, mark, told):
        provider = wired.connect_impatient()
        wired.spoil("slow", seconds=2)
        for call in (provider.check, lambda: provider.find(OURS)):
            with pytest.raises(Unavailable):
                call()
        meaning = Unavailable if wired.looks_first else Ambiguous
        assert isinstance(told(provider, [Create(lecture(), mark())]), meaning)

    def test_a_failing_server_is_asked_once(self, wired, lecture, mark, told):
        provider = wired.connect()
        wired.put(lecture(), mark())
        wired.spoil("unavailable")
        for call in (provider.check, lambda: provider.find(OURS), lambda: told(provider, [Create(lecture(), mark())])):
            before = wired.requests()
            with suppress(ProviderError):
                call()
            assert wired.requests() == before + 1


class TestCheck:
    """Return if the calendar can be written to; raise a clear reason if not. Leaves nothing behind."""

    def test_a_good_calendar_passes_and_stays_as_it_was(self, mailbox, lecture):
        mailbox.foreign(lecture())
        before = mailbox.listing()
        assert mailbox.connect().check() is None
        assert mailbox.listing() == before

    def test_refused_credentials_are_told(self, wired):
        with pytest.raises(Unauthorized) as caught:
            wired.connect_refused().check()
        assert str(caught.value).endswith(".")

    @pytest.mark.parametrize("kind", ["html", "empty", "error", "cut_off"])
    def test_a_server_that_is_no_calendar_server_does_not_pass(self, wired, kind):
        provider = wired.connect()
        wired.spoil(kind)
        with pytest.raises((ContractBroken, Unavailable)):
            provider.check()


def test_closing_gives_back_the_connections(mailbox, lecture, mark):
    """Give back connections: what stays open would be a ResourceWarning, and so an error here."""
    provider = mailbox.connect()
    mailbox.put(lecture(), mark())
    assert provider.close() is None
