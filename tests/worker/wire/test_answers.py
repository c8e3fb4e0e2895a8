"""Answers that are missing, late or half a refusal: nothing is made twice, nothing is lost, waits are kept."""

from datetime import timedelta

import pytest
from starlette.responses import Response

from sandbox.faults import refusal
from term import lecture
from worker import push
from worker.database import transaction
from worker.dispatch import dispatch
from worker.known import load
from worker.push import _record
from worker.queue import LONGEST_TASK

DAY = timedelta(days=1)


def lectures(term, number):
    return [lecture(term.now + DAY * nth / 8, f"id-{nth}") for nth in range(1, number + 1)]


def states(someone):
    with transaction(someone.term.installation.engine) as session:
        return [row.state for row in load(session, someone.ident)]


@pytest.mark.case("peers", 1)
@pytest.mark.case("faults", 3)
@pytest.mark.parametrize("fault", ["unavailable_after", "lost"])
def test_what_was_made_without_an_answer_is_met_again_and_not_sent_again(term, fault):
    someone = term.person(*lectures(term, 8))
    term.spoil(fault, times=1)
    assert someone.run().outcome == "RETRYING"
    made = someone.box.standing().keys()
    assert made
    term.wire.clear()
    term.wire.forget()
    assert someone.run().outcome == "OK"
    assert term.changes() == 8 - len(made)
    assert made <= someone.box.standing().keys()
    assert len(someone.starts()) == 8
    assert someone.at_rest()


@pytest.mark.case("peers", 2)
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("fault", "seconds", "wait"),
    [("throttled", 300, 300), ("busy", 300, 300), ("busy", 0, 27), ("rate_limited", 0, 27), ("unavailable", 0, 27)],
)
def test_graph_is_given_its_pause_or_half_a_minute_and_no_event_is_lost(open_term, fault, seconds, wait, whole):
    term = open_term("o365")
    someone = term.person(*lectures(term, 8))
    if whole:
        term.spoil(fault, seconds=seconds)
        assert someone.run().outcome == "RETRYING"
    else:
        with term.spoiling(fault, 2, 5, seconds=seconds):
            assert someone.run().outcome == "RETRYING"
    term.wire.clear()
    stood = len(someone.starts())
    assert stood == (0 if whole else 6)
    assert timedelta(seconds=wait - 2) < term.due_in(someone.ident) < timedelta(seconds=wait * 1.12)
    term.wire.forget()
    assert dispatch(term.installation)["synchronizations"] == 0
    assert someone.run().outcome == "OK"
    assert term.changes() == 8 - stood
    assert len(someone.starts()) == 8
    assert someone.at_rest()


@pytest.mark.case("peers", 3)
def test_many_changes_of_one_mailbox_go_in_batches_of_which_each_part_is_judged(open_term, server_of):
    term = open_term("o365")
    graph = server_of("o365").graph
    someone = term.person(*lectures(term, 45))
    graph.batches.clear()
    with term.spoiling("busy", 4, 5, 6, 7, 19, seconds=0):
        assert someone.run().outcome == "RETRYING"
    assert graph.batches == [20]
    assert len(someone.starts()) == 15
    graph.batches.clear()
    assert someone.run().outcome == "OK"
    assert graph.batches == [20, 10]
    assert len(someone.starts()) == 45
    assert someone.at_rest()


@pytest.mark.case("peers", 3)
def test_where_four_at_once_are_allowed_smaller_batches_can_be_asked_for(open_term, server_of):
    server = server_of("o365")
    term = open_term("o365", settings=server.settings.model_copy(update={"batch": 4}))
    someone = term.person(*lectures(term, 10))
    server.graph.batches.clear()
    assert someone.run().outcome == "OK"
    assert server.graph.batches == [4, 4, 2]


@pytest.mark.case("faults", 6)
@pytest.mark.parametrize(("where", "fault"), [(0, "error"), (0.5, "throttled"), (1, "error")])
def test_one_change_of_a_full_batch_fails_alone(term, where, fault):
    number = min(term.batch(), 100)
    someone = term.person(*lectures(term, number))
    place = round((number - 1) * where)
    with term.spoiling(fault, place):
        report = someone.run()
    assert report.outcome == "RETRYING"
    assert report.detail
    stood = someone.box.standing().keys()
    # Where each travels alone none is sent to a server that has too much to do.
    ends = fault == "throttled" and term.kind in {"caldav", "connectdaily"}
    assert len(stood) == (place if ends else number - 1)
    term.wire.forget()
    assert someone.run().outcome == "OK"
    assert term.changes() == number - len(stood)
    assert stood <= someone.box.standing().keys()
    assert len(someone.starts()) == number
    assert someone.at_rest()


@pytest.mark.case("faults", 6)
@pytest.mark.parametrize("kind", ["caldav", "ews", "o365"])
def test_what_found_no_room_in_a_mailbox_comes_when_there_is_some(term):
    someone = term.person(*lectures(term, 12))
    if term.kind == "caldav":
        # RFC 4331, 6: what a server with quotas says.
        term.wire.speak("*", lambda _fault: Response(status_code=507))
    with term.spoiling("full", *range(7, 12)):
        report = someone.run()
    term.wire.speak("*", refusal)
    assert report.outcome == "RETRYING"
    assert "room" in report.detail or "full" in report.detail
    assert len(someone.starts()) == 7
    assert someone.run().outcome == "OK"
    assert len(someone.starts()) == 12
    assert someone.at_rest()


@pytest.mark.case("faults", 5)
def test_a_run_ends_long_before_its_message_would_be_delivered_again(open_term):
    options = open_term("memory").installation.queue.app.conf.broker_transport_options
    assert options["visibility_timeout"] >= 2 * LONGEST_TASK


class Killed(BaseException):
    """The worker is no more."""


@pytest.mark.case("faults", 2)
def test_a_worker_that_dies_before_it_records_has_one_batch_in_doubt_and_sends_none_of_it_again(term, monkeypatch):
    number = term.batch() + 5
    someone = term.person(*lectures(term, number))

    def die(session, ident, judged):
        if judged:
            raise Killed
        _record(session, ident, judged)

    monkeypatch.setattr(push, "_record", die)
    with pytest.raises(Killed):
        someone.run()
    monkeypatch.undo()
    made = someone.box.standing().keys()
    assert states(someone) == ["creating"] * len(made)
    assert len(made) == number - 5
    term.wire.forget()
    assert someone.run().outcome == "OK"
    assert term.changes() == 5
    assert made <= someone.box.standing().keys()
    assert len(someone.starts()) == number
    assert someone.at_rest()
