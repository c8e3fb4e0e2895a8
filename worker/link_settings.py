"""What people's own consent needs beside the section of its provider."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from worker import modules
from worker.secret_keys import VARIABLE, SecretKeyError, keyring


def problems(providers: Mapping[str, Mapping[str, BaseModel]], public_url: str | None) -> list[str]:
    """A sentence for each thing that lacks or is not as it should be; `providers` are by tenant and type."""
    places = [
        f"tenants.{key}.providers.{kind}"
        for key, each in providers.items()
        for kind, settings in each.items()
        if modules.consent(kind, settings)
    ]
    return list(_problems(places, public_url))


def _problems(places: Sequence[str], public_url: str | None) -> Iterator[str]:
    for place in places[:1]:
        if public_url is None:
            yield f"api.public_url: missing; people come back to it from where they consent, as {place}.access says"
    try:
        if keyring() is None and places:
            yield f"{VARIABLE} is not set, and {places[0]}.access needs it; `carillon secrets key` makes one"
    except SecretKeyError as error:
        yield str(error)
