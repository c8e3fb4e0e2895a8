"""`carillon.toml`, read once at the start: every problem is told at once, with the key, the file and what was
expected.
"""

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from providers._consent import Consent, Grant
from schedules.guard import Limits
from schedules.render import DEFAULT_TEMPLATES, Rendering, TemplateProblemError, Templates
from worker import link_settings, modules
from worker.setting_types import Alternatives, Days, Duration, GroupName, Mark, Minutes, PublicUrl, ReturnUrl, Zone

SECTIONS = ("timetable", "providers")
"""Those of a tenant that a source or a provider declares itself."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowSettings(Section):
    """The days a run covers, before and after today."""

    past: Days = timedelta(days=14)
    future: Annotated[Days, Field(ge=timedelta(days=1))] = timedelta(days=180)


class GuardSettings(Section):
    """When a plan is held: more than `floor` and more than `share` of the events would go, or all of them; and when
    the whole tenant is.
    """

    floor: int = Field(default=10, ge=0)
    share: float = Field(default=0.4, ge=0, le=1)
    confirm_after: Minutes = timedelta(hours=1)
    tenant_floor: int = Field(default=5, ge=1)
    tenant_share: float = Field(default=0.1, ge=0, le=1)

    def limits(self) -> Limits:
        return Limits(**self.model_dump())


class RenderSettings(Section):
    """Jinja2 templates; of a list, the first that comes out complete wins."""

    subject: Alternatives = DEFAULT_TEMPLATES.subject
    location: Alternatives = DEFAULT_TEMPLATES.location
    description: Alternatives = DEFAULT_TEMPLATES.description
    category: Alternatives = DEFAULT_TEMPLATES.category

    def templates(self) -> Templates:
        return Templates(self.subject, self.location, self.description, self.category)


class GroupSettings(Section):
    """Who belongs to a group by rule: whoever has one of these roles, or an attribute with one of these values."""

    roles: tuple[str, ...] = ()
    attributes: dict[str, Alternatives] = {}

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.roles and not any(self.attributes.values()):
            raise ValueError("expected roles or attributes, or nobody would belong to it")
        return self


class TenantSettings(Section):
    """What stands under `[tenants.KEY]`, but for the sections that a source or a provider declares itself."""

    name: str = Field(min_length=1)
    time_zone: Zone
    instance: Mark
    policy: Literal["restore", "respect", "keep"] = "restore"
    interval: Minutes = timedelta(minutes=15)
    resync_interval: Annotated[Duration, Field(ge=timedelta(hours=1), le=timedelta(days=366))] = timedelta(days=7)
    window: WindowSettings = WindowSettings()
    guard: GuardSettings = GuardSettings()
    render: RenderSettings = RenderSettings()
    groups: dict[GroupName, GroupSettings] = {}
    link_return_urls: tuple[ReturnUrl, ...] = Field(default=(), exclude=True)


class ApiSettings(Section):
    """How often the API may be called, all its processes counted together; and where others reach it."""

    calls_per_minute: int = Field(default=6_000, ge=10, le=1_000_000)
    wrong_tokens_per_minute: int = Field(default=60, ge=5, le=100_000)
    public_url: PublicUrl | None = None
    metrics_token: SecretStr | None = Field(default=None, min_length=20, max_length=1_000)


@dataclass(frozen=True, slots=True)
class Tenant:
    """An institution as configured. `source` is the module's name and its settings; `providers` the same by type.

    `grants` finds the consent of a person, by type and account, where each consents alone; `install` brings it.
    """

    key: str
    settings: TenantSettings
    source: tuple[str, BaseModel]
    providers: dict[str, BaseModel]
    rendering: Rendering
    grants: Callable[[str, str, Consent], Grant] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of `carillon.toml`; the first tenant of the file stands first."""

    file: Path
    tenants: dict[str, Tenant]
    api: ApiSettings = field(default_factory=ApiSettings)


class SettingsError(Exception):
    """All problems of one file, a line each."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))


def load(file: Path) -> Settings:
    """Raises: SettingsError, with every problem there is."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(file, ["there is no such file; write one, or name another with --config"]) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(file, [f"it cannot be read: {error}"]) from error
    problems: list[str] = []
    resolved = _resolve(document, file.parent, "", problems)
    tenants = _tenants(resolved, problems)
    api = _checked(ApiSettings, resolved.get("api", {}), "api", problems)
    providers = {key: tenant.providers for key, tenant in tenants.items()}
    problems += link_settings.problems(providers, getattr(api, "public_url", None))
    if problems or not isinstance(api, ApiSettings):
        raise SettingsError(file, problems)
    return Settings(file, tenants, api)


def _resolve(value: Any, folder: Path, at: str, problems: list[str]) -> Any:
    """`env:NAME` and `file:PATH` replaced by what they name, `ca_file` made absolute; the unreadable is a problem."""
    if isinstance(value, dict):
        return {key: _resolve(each, folder, f"{at}.{key}".lstrip("."), problems) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolve(each, folder, f"{at}[{place}]", problems) for place, each in enumerate(value)]
    if not isinstance(value, str):
        return value
    if at.endswith(".ca_file"):
        return str(folder / value)
    try:
        return _text(value, folder)
    except KeyError as error:
        problems.append(f"{at}: the environment variable {error} is not set; set it, or write another value")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{at}: the file cannot be read ({error}); paths start at the folder of this file")
    return ""


def _text(value: str, folder: Path) -> str:
    kind, _, name = value.partition(":")
    if kind == "env":
        return os.environ[name]
    if kind == "file":
        return (folder / name).read_text(encoding="utf-8").rstrip("\n")
    return value


def _tenants(document: dict[str, Any], problems: list[str]) -> dict[str, Tenant]:
    known = {"tenants", "api"}
    problems += [f"{key}: unknown key; expected [tenants.NAME]" for key in document if key not in known]
    sections = document.get("tenants")
    if not isinstance(sections, dict) or not sections:
        problems.append("tenants: missing; expected at least one section [tenants.NAME]")
        return {}
    tenants = {key: made for key, section in sections.items() if (made := _tenant(key, section, problems))}
    owners: dict[str, str] = {}
    for key, tenant in tenants.items():
        first = owners.setdefault(tenant.settings.instance, key)
        if first != key:
            problems.append(f"tenants.{key}.instance: tenants.{first} has the same; each needs its own mark")
    return tenants


def _tenant(key: str, section: Any, problems: list[str]) -> Tenant | None:
    at = f"tenants.{key}"
    if not isinstance(section, dict):
        problems.append(f"{at}: expected a section, [{at}]")
        return None
    before = len(problems)
    own = {name: value for name, value in section.items() if name not in SECTIONS}
    settings = _checked(TenantSettings, own, at, problems)
    source = _source(section.get("timetable"), f"{at}.timetable", problems)
    providers = _providers(section.get("providers"), f"{at}.providers", problems)
    if not isinstance(settings, TenantSettings) or source is None or len(problems) > before:
        return None
    try:
        rendering = Rendering(settings.render.templates(), ZoneInfo(settings.time_zone).key)
    except TemplateProblemError as error:
        problems.append(f"{at}.render: {error}")
        return None
    return Tenant(key, settings, source, providers, rendering)


def _source(section: Any, at: str, problems: list[str]) -> tuple[str, BaseModel] | None:
    if not isinstance(section, dict) or not isinstance(section.get("source"), str):
        problems.append(f"{at}.source: missing; expected one of {', '.join(modules.source_names())}")
        return None
    name = section["source"]
    try:
        module = modules.source(name)
    except modules.UnknownModuleError as error:
        problems.append(f"{at}.source: {error}")
        return None
    rest = {key: value for key, value in section.items() if key != "source"}
    made = _checked(module.Settings, rest, at, problems)
    return (name, made) if made else None


def _providers(sections: Any, at: str, problems: list[str]) -> dict[str, BaseModel]:
    if not isinstance(sections, dict) or not sections:
        problems.append(f"{at}: missing; expected at least one of {', '.join(modules.provider_names())}")
        return {}
    made = {}
    for name, section in sections.items():
        try:
            model = _checked(modules.provider(name).Settings, section, f"{at}.{name}", problems)
        except modules.UnknownModuleError as error:
            problems.append(f"{at}.{name}: {error}")
            continue
        if model:
            made[name] = model
    return made


def _checked(model: type[BaseModel], section: Any, at: str, problems: list[str]) -> BaseModel | None:
    try:
        return model.model_validate(section)
    except ValidationError as error:
        problems.extend(_said(model, each, at) for each in error.errors(include_input=False, include_url=False))
        return None


def _said(model: type[BaseModel], error: Any, at: str) -> str:
    place = ".".join([at, *(str(part) for part in error["loc"])])
    if error["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()]
        known += SECTIONS if model is TenantSettings else ()
        return f"{place}: unknown key" + (f"; known here: {', '.join(known)}" if len(error["loc"]) == 1 else "")
    if error["type"] == "missing":
        return f"{place}: missing"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
