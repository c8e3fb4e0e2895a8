-- Schema 0007 has notification calendars and tokens that rotate. The status NOT_LINKED comes with 0008.
\ir 0006.sql
INSERT INTO notification_calendars (id, tenant_id, name, secret, digest) VALUES
    (1, 1, 'Ends/soon', 'abcdefghijklmnopqrstuvwxyz012345', '\x10'), (2, 2, 'All', '012345abcdefghijklmnopqrstuvwxyz', '\x11');

INSERT INTO notification_subscriptions (calendar_id, credential, comment, changed_at) VALUES
    (1, 'b3BhcXVl', 'ask the registry', '2026-09-01 08:00Z'), (1, 'YW5vdGhlcg', '', '2026-10-01 08:00Z');

INSERT INTO rotating_tokens (token_id, next_digest) VALUES (1, NULL), (4, '\x12');

INSERT INTO synchronizations (id, tenant_id, user_id, type, mailbox, fields, enabled, status, status_detail, due_at, failures,
    created_at) VALUES
    (9, 1, 1, 'googlecalendar', 'alice@example.org', '{}', true, 'NOT_LINKED', 'not yet', '2026-10-14 14:15Z', 2,
        '2026-09-01 08:00Z');
