"""A credential that runs out is told of while there is time."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.certificates import application_certificate


@pytest.fixture
def said_of(carillon, grounds, tmp_path):
    """What `carillon doctor` says of the way to Microsoft 365, with a certificate that is good for so many days."""

    def said(days):
        made = application_certificate(days=days)
        (tmp_path / "graph.pem").write_text(made.private_key + made.certificate)
        config = tmp_path / "carillon.toml"
        config.write_text(
            grounds.config.read_text().replace(f"{grounds.config.parent.resolve()}/graph.pem", "graph.pem")
        )
        findings = carillon("doctor", "--config", str(config), as_json=True, status=1)["findings"]
        return [(each["well"], each["sentence"]) for each in findings if each["what"] == "sandbox: o365"]

    return said


@pytest.mark.case("peers", 20)
def test_doctor_warns_of_a_certificate_that_runs_out_in_less_than_thirty_days(said_of):
    warning, rest = said_of(12)
    day = datetime.now(UTC) + timedelta(days=12)
    assert warning[0] is False
    assert warning[1].startswith(f"The certificate runs out on {day:%Y-%m-%d}, in 11 day(s)")
    assert "make a new one" in warning[1]
    assert rest[0]
    assert [well for well, _ in said_of(40)] == [True]
