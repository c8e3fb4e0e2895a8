"""The OpenAPI document tried: every call of it as Hypothesis makes them, and the page's lines of curl as they stand."""

import html
import re
import shlex
from contextlib import suppress
from itertools import pairwise

import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable


def operations(document):
    """Path, method and description of every call."""
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def tried(operation, mode, examples, **call):
    """Send so many examples of a call, and check that each answer is described; `call` goes with every one."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case):
        case.call_and_validate(timeout=30, **call)

    with suppress(Unsatisfiable):  # a call without parameters cannot be made wrong
        check()


def curls(url):
    """Every line of curl on the page of an API."""
    page = html.unescape(requests.get(f"{url}/docs", timeout=5).text)
    return re.findall(r"<pre>(curl .*?)</pre>", page, re.DOTALL)


def sent(api, line):
    """The answer to a line of curl."""
    words = shlex.split(line)
    given = {name: [value for flag, value in pairwise(words) if flag == name] for name in words}
    [method] = given.get("-X", ["GET"])
    address = next(each for each in words if each.startswith("$BASE")).removeprefix("$BASE")
    form = "&".join(given.get("-d", ()))
    headers = dict(each.split(": ", 1) for each in given.get("-H", ()))
    if form:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    if "apiToken" in headers:
        assert headers.pop("apiToken") == "$TOKEN"
        headers |= api.headers
    [body] = given.get("--data-binary", [form])
    return requests.request(method, api.url + address, data=body, headers=headers, timeout=5)
