"""Who belongs to which group: by the rules of carillon.toml, and as the API was told. The caller commits.

A rule takes back only what a rule said, and the API only what it was told; a group stays when its last member goes.
Who comes or goes is due soon, if the group has schedules with an effect.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from worker import deferring
from worker.calendar_tables import Group, Membership, MembershipSource
from worker.database import transaction
from worker.ledger import User
from worker.settings import GroupSettings, Tenant

Rules = Mapping[str, GroupSettings]

# One statement for all rules: a tenant has one for each faculty, and a change of a person asks each of them.
_RULES = """
    WITH rule AS MATERIALIZED (
        SELECT group_id, roles, CAST(attributes AS jsonb[]) AS attributes
        FROM jsonb_to_recordset(CAST(:rules AS jsonb)) AS told (group_id bigint, roles text[], attributes text[]))
"""
_MEETS = "(u.roles ?| rule.roles OR COALESCE(u.attributes, '[]') @> ANY(rule.attributes))"
# Those alone who are new are locked, or one who is deleted meanwhile would spoil it for everybody.
_JOIN = text(f"""
    {_RULES} INSERT INTO memberships (group_id, user_id, source)
    SELECT rule.group_id, u.id, 'rule' FROM users u CROSS JOIN rule
    WHERE u.tenant_id = :tenant AND (CAST(:person AS bigint) IS NULL OR u.id = :person) AND {_MEETS}
        AND NOT EXISTS (
            SELECT FROM memberships m WHERE m.group_id = rule.group_id AND m.user_id = u.id AND m.source = 'rule')
    ORDER BY u.id, rule.group_id FOR KEY SHARE OF u
    ON CONFLICT DO NOTHING RETURNING group_id, user_id
""")  # noqa: S608 - of constants
_LEAVE = text(f"""
    {_RULES} DELETE FROM memberships m USING users u, rule
    WHERE m.group_id = rule.group_id AND m.source = 'rule' AND u.id = m.user_id
        AND (CAST(:person AS bigint) IS NULL OR u.id = :person) AND NOT {_MEETS}
    RETURNING m.group_id, m.user_id
""")  # noqa: S608 - of constants


def find(session: Session, tenant_id: int, name: str) -> int | None:
    """The id of the group of this name."""
    return session.scalar(select(Group.id).where(Group.tenant_id == tenant_id, Group.name == name))


def ensure(session: Session, tenant_id: int, name: str) -> int:
    """The id of the group of this name, which is made where there is none."""
    found = find(session, tenant_id, name)
    if found is None:
        session.execute(insert(Group).values(tenant_id=tenant_id, name=name).on_conflict_do_nothing())
        found = session.scalars(select(Group.id).where(Group.tenant_id == tenant_id, Group.name == name)).one()
    return found


def listing(session: Session, tenant_id: int) -> list[tuple[str, int]]:
    """The name of every group and how many people belong to it, by name."""
    number = func.count(Membership.user_id.distinct())
    chosen = select(Group.name, number).outerjoin(Membership, Membership.group_id == Group.id)
    rows = session.execute(chosen.where(Group.tenant_id == tenant_id).group_by(Group.id).order_by(Group.name))
    return [(name, members) for name, members in rows]


def members(session: Session, group_id: int, user_id: int | None = None) -> list[tuple[str, list[str]]]:
    """The username of everybody who belongs to the group, or of one person who may, and who said so; by name."""
    sources = func.array_agg(aggregate_order_by(Membership.source, Membership.source))
    chosen = select(User.username, sources).join(Membership, Membership.user_id == User.id)
    chosen = chosen.where(Membership.group_id == group_id).group_by(User.id).order_by(User.username)
    if user_id is not None:
        chosen = chosen.where(User.id == user_id)
    return [(username, list(said)) for username, said in session.execute(chosen)]


def join(session: Session, group_id: int, user_id: int) -> bool:
    """Let a person belong to a group, as the API was told; whether that is new."""
    values = {"group_id": group_id, "user_id": user_id, "source": MembershipSource.API}
    statement = insert(Membership).values(values).on_conflict_do_nothing()
    return _told(session, group_id, session.scalars(statement.returning(Membership.user_id)).all())


def leave(session: Session, group_id: int, user_id: int) -> bool:
    """Take back what the API was told; whether it was."""
    statement = delete(Membership).where(
        Membership.group_id == group_id, Membership.user_id == user_id, Membership.source == MembershipSource.API
    )
    return _told(session, group_id, session.scalars(statement.returning(Membership.user_id)).all())


def follow(session: Session, tenant_id: int, rules: Rules, user_id: int | None = None) -> int:
    """Bring what the rules say into the tables, for one person or for all; how many memberships came or went."""
    changes = 0 if user_id else _forget(session, tenant_id, rules)
    if not rules:
        return changes
    given = {"tenant": tenant_id, "person": user_id, "rules": _by_group(session, tenant_id, rules)}
    return changes + sum(_changed(session, session.execute(each, given).all()) for each in (_LEAVE, _JOIN))


def _by_group(session: Session, tenant_id: int, rules: Rules) -> str:
    """The rules as PostgreSQL reads them, each with the id of its group, which is made where there is none."""
    there = select(Group.name, Group.id).where(Group.tenant_id == tenant_id, Group.name.in_(rules))
    idents = dict(session.execute(there).all())
    idents |= {name: ensure(session, tenant_id, name) for name in rules if name not in idents}
    told = [{"group_id": idents[name], "roles": rule.roles, "attributes": _had(rule)} for name, rule in rules.items()]
    return json.dumps(told)


def _had(rule: GroupSettings) -> list[str]:
    """What the attributes of a person contain who meets the rule: one of these."""
    return [
        json.dumps([{"name": name, "values": [value]}]) for name, values in rule.attributes.items() for value in values
    ]


def follow_all(engine: Engine, tenants: Mapping[int, Tenant]) -> int:
    """The same for every tenant, each in a transaction of its own."""
    changes = 0
    for tenant_id, tenant in tenants.items():
        with transaction(engine) as session:
            changes += follow(session, tenant_id, tenant.settings.groups)
    return changes


def _forget(session: Session, tenant_id: int, rules: Rules) -> int:
    """Nobody belongs any longer to a group by a rule that is gone."""
    gone = select(Group.id).where(Group.tenant_id == tenant_id, Group.name.not_in(list(rules)))
    statement = delete(Membership).where(Membership.group_id.in_(gone), Membership.source == MembershipSource.RULE)
    return _changed(session, session.execute(statement.returning(Membership.group_id, Membership.user_id)).all())


def _changed(session: Session, changes: Sequence[Row[int, int]]) -> int:
    """Make due who came or went, told as groups and people; how many those are."""
    people: defaultdict[int, list[int]] = defaultdict(list)
    for group_id, user_id in changes:
        people[group_id].append(user_id)
    for group_id, user_ids in people.items():
        deferring.wake_members(session, group_id, user_ids)
    return len(changes)


def _told(session: Session, group_id: int, user_ids: Sequence[int]) -> bool:
    deferring.wake_members(session, group_id, user_ids)
    return bool(user_ids)
