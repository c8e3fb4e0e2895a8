"""Embedded servers that several commands share, and what happens when they come and go."""

import socket
from contextlib import ExitStack

import pytest
import redis
from click.testing import CliRunner

from carillon.cli import main
from carillon.embedded import EmbeddedServerError, free_port
from carillon.services import services


@pytest.fixture
def no_urls(monkeypatch, postgres):
    """PostgreSQL is given, Redis is embedded."""
    monkeypatch.setenv("CARILLON_DATABASE_URL", postgres)
    monkeypatch.delenv("CARILLON_REDIS_URL", raising=False)


def answers(url):
    with redis.Redis.from_url(url) as client:
        try:
            return client.ping()
        except redis.ConnectionError:
            return False


@pytest.mark.usefixtures("no_urls")
def test_whoever_comes_later_shares_the_redis_and_whoever_leaves_last_ends_it(tmp_path):
    with ExitStack() as later:
        with services(tmp_path) as first:
            second = later.enter_context(services(tmp_path))
            assert second == first
        assert answers(second.redis_url)
    assert not answers(second.redis_url)
    with services(tmp_path) as again:
        assert answers(again.redis_url)


@pytest.mark.usefixtures("no_urls")
def test_a_data_folder_that_cannot_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match=r"cannot be written to.*--data"), services(tmp_path / "file"):
        pass


def test_a_port_that_is_taken_is_told_before_anything_is_started(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port := free_port()))
        other.listen()
        result = CliRunner().invoke(main, ["up", "--sandbox", "--data", str(tmp_path), "--port", str(port)])
    assert result.exit_code == 1
    assert f"port {port} is taken" in result.stderr
    assert list(tmp_path.iterdir()) == []
