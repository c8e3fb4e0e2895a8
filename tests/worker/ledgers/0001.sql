-- A ledger of schema 0001: every table, every state, and each column that may be empty both ways.
INSERT INTO tenants (id, key) VALUES (1, 'example'), (2, 'other'), (3, 'no longer configured');

INSERT INTO users (id, tenant_id, username, display_name, locale, attributes, roles) VALUES
    (1, 1, 'alice@example.org', 'Alice', 'nl-NL', '[{"name": "faculty", "values": ["Science", "Arts"]}]', '["ROLE_STUDENT"]'),
    (2, 1, 'EXAMPLE\bob', NULL, NULL, NULL, '[]'),
    (3, 2, 'alice@example.org', 'Another Alice', '', '[]', '["ROLE_TEACHER", "ROLE_STUDENT"]'),
    (4, 3, 'carol', NULL, NULL, NULL, '[]');

INSERT INTO tokens (id, tenant_id, name, digest, roles, elevated, created_at, revoked_at) VALUES
    (1, 1, 'scripts', '\x01', '["ROLE_API_PROVISIONING"]', false, '2026-09-01 08:00Z', NULL),
    (2, 1, 'portal', '\x02', '["ROLE_API_PROVISIONING"]', true, '2026-09-01 08:00Z', '2026-10-01 08:00Z'),
    (3, 2, 'nothing', '\x03', '[]', false, '2026-09-01 08:00Z', NULL);

INSERT INTO synchronizations (id, tenant_id, user_id, type, mailbox, fields, enabled, status, status_detail, due_at,
    failures, validator, resync_asked_at, held_since, held_reading, last_sync, last_resync, created_at) VALUES
    (1, 1, 1, 'caldav', 'alice@example.org', '{}', true, 'OK', '', '2026-10-14 08:15Z',
        0, 'place settings "etag"', NULL, NULL, NULL, '2026-10-14 08:00Z', '2026-10-10 08:00Z', '2026-09-01 08:00Z'),
    (2, 1, 1, 'ews', 'alice@example.org', '{"smtpAddress": "alice@example.org"}', true, 'HELD', 'Held since',
        '2026-10-14 08:15Z', 0, 'moved', '2026-10-14 08:00Z', '2026-10-14 07:30Z', 'reading', '2026-10-13 08:00Z',
        '2026-10-13 08:00Z', '2026-09-01 08:00Z'),
    (3, 1, 2, 'googlecalendar', 'bob@example.org', '{"calendarId": "x"}', true, 'RETRYING', 'Google answered 500',
        '2026-10-14 08:15Z', 3, NULL, NULL, NULL, NULL, NULL, NULL, '2026-09-01 08:00Z'),
    (4, 1, 2, 'o365', 'bob@example.org', '{}', true, 'UNAUTHORIZED', 'refused', '2026-10-14 14:15Z', 9, '', NULL, NULL,
        NULL, NULL, NULL, '2026-09-01 08:00Z'),
    (5, 2, 3, 'caldav', 'alice', '{}', true, 'MAILBOX_NOT_FOUND', 'gone', '2026-10-14 14:15Z', 9, NULL, NULL, NULL, NULL,
        NULL, NULL, '2026-09-01 08:00Z'),
    (6, 2, 3, 'ews', 'alice', '{}', true, 'FAILED', 'a defect', '2026-10-14 14:15Z', 4, NULL, NULL, NULL, NULL, NULL,
        NULL, '2026-09-01 08:00Z'),
    (7, 3, 4, 'caldav', 'carol', '{}', false, 'DISABLED', '', '2026-10-14 14:15Z', 0, NULL, NULL, NULL, NULL, NULL, NULL,
        '2026-09-01 08:00Z'),
    (8, 2, 3, 'caldav', 'second', '{}', true, 'PENDING', '', '2026-10-14 08:15Z', 0, NULL, NULL, NULL, NULL, NULL, NULL,
        '2026-10-14 08:00Z');

INSERT INTO events (synchronization_id, key, generation, state, fingerprint, activity, starts_at, remote_id, version,
    marked_by, merge) VALUES
    (1, 'a', 0, 'written', '\x0102', '\x03', '2026-10-15 09:00Z', 'a.ics', '"1"', NULL, false),
    (1, 'b', 1, 'creating', '\x0102', '\x03', '2026-10-15 10:00Z', NULL, NULL, NULL, false),
    (1, 'c', 0, 'updating', '\x', '\x03', '2026-10-15 11:00Z', 'c.ics', '"2"', '99', true),
    (1, 'd', 0, 'deleting', '\x0102', '\x03', '2026-10-15 12:00Z', 'd.ics', NULL, NULL, true),
    (2, 'a', 0, 'rejected', '\x0102', '\x03', '2026-10-15 09:00Z', NULL, NULL, NULL, false),
    (2, 'b', 7, 'dismissed', '\x0102', '\x', '2026-10-15 10:00Z', NULL, NULL, '1', false);

INSERT INTO leases (tenant_id, type, mailbox, generation, expires_at) VALUES
    (1, 'caldav', 'alice@example.org', 12, '2026-10-14 08:02Z'), (2, 'exchange', 'alice', 9000000000, '-infinity');

INSERT INTO runs (id, synchronization_id, started_at, finished_at, status, resync, created, updated, deleted, kept, failed,
    detail) VALUES
    (1, 1, '2026-10-14 08:00Z', '2026-10-14 08:00:01Z', 'OK', false, 1, 2, 3, 4, 0, ''),
    (2, 3, '2026-10-14 08:00Z', '2026-10-14 08:00:01Z', 'RETRYING', true, 0, 0, 0, 0, 5, 'Google answered 500');

INSERT INTO unlinks (id, tenant_id, synchronization_id, username, type, mailbox, fields, mode, cutoff, state, found,
    removed, remaining, error, failures, due_at, accepted_at, finished_at) VALUES
    (1, 1, 90, 'dave', 'caldav', 'dave', '{}', 'DELETE_ALL_EVENTS', '2026-10-01 08:00Z', 'PENDING', 0, 0, 0, '', 0,
        '2026-10-14 08:00Z', '2026-10-14 08:00Z', NULL),
    (2, 1, 91, 'dave', 'ews', 'dave', '{"smtpAddress": "dave"}', 'DELETE_FUTURE_EVENTS', '2026-10-01 08:00Z', 'RUNNING', 9,
        4, 5, '', 0, '2026-10-14 08:00Z', '2026-10-14 08:00Z', NULL),
    (3, 1, 92, 'erin', 'o365', 'erin', '{}', 'CLEANUP', '2026-10-01 08:00Z', 'RETRYING', 9, 4, 5, 'refused', 3,
        '2026-10-14 08:00Z', '2026-10-14 08:00Z', NULL),
    (4, 2, 93, 'erin', 'caldav', 'erin', '{}', 'UNLINK_ONLY', '2026-10-01 08:00Z', 'DONE', 0, 0, 0, '', 0,
        '2026-10-14 08:00Z', '2026-10-14 08:00Z', '2026-10-14 08:00Z');
