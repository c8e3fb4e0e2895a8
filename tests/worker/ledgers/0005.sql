-- Schema 0005 knows what a token may do with calendar schedules, and in which group.
\ir 0004.sql
INSERT INTO tokens (id, tenant_id, name, digest, roles, elevated, created_at, revoked_at, access_right, group_name)
    VALUES
    (4, 1, 'timetablers', '\x04', '[]', false, '2026-09-01 08:00Z', NULL, 'Group Admin', 'Science'),
    (5, 1, 'planners', '\x05', '[]', false, '2026-09-01 08:00Z', NULL, 'Tenant Admin', NULL);
