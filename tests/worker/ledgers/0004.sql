-- Schema 0004 knows groups of people, and calendar schedules with their periods.
\ir 0003.sql
INSERT INTO groups (id, tenant_id, name) VALUES (1, 1, 'Science'), (2, 2, 'Science');

INSERT INTO memberships (group_id, user_id, source) VALUES (1, 1, 'api'), (1, 1, 'rule'), (1, 2, 'rule'), (2, 3, 'api');

INSERT INTO calendar_schedules (id, tenant_id, group_id, user_id, name, effect, kept, changed_at, spans_until, spans_zone)
    VALUES
    (1, 1, NULL, NULL, 'Holidays', 'publish', '["VERSION:2.0"]', '2026-09-01 08:00Z', NULL, NULL),
    (2, 1, 1, NULL, 'Exams/resits', 'hold', '[]', '2026-09-01 08:00Z', '2026-11-23 08:00Z', 'Europe/Amsterdam'),
    (3, 1, NULL, 1, 'Leave', 'none', '[]', '2026-09-01 08:00Z', NULL, NULL);

INSERT INTO calendar_periods (schedule_id, name, place, words, kept) VALUES
    (1, 'Christmas', 0, '{"name": "Christmas", "type": "Full days", "startDay": "2026-12-25", "stopDay": "2026-12-26"}',
        '["SUMMARY:Christmas"]'),
    (2, 'Morning', 0, '{"name": "Morning", "type": "Partial days", "startDay": "2026-10-15", "stopDay": "2026-10-15",
        "startTime": "09:00", "stopTime": "12:00"}', '[]');

INSERT INTO calendar_spans (schedule_id, starts_at, ends_at) VALUES (2, '2026-10-15 07:00Z', '2026-10-15 10:00Z');
