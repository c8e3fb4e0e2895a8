-- Schema 0006 knows tokens that end and have capabilities, and what was said of credentials.
\ir 0005.sql
INSERT INTO tokens (id, tenant_id, name, digest, roles, elevated, created_at, revoked_at, expires_at, capabilities)
    VALUES
    (6, 1, 'notices', '\x06', '[]', false, '2026-09-01 08:00Z', NULL, '2027-05-01 00:00Z',
        '["read@manage_mytokens:notify"]');

INSERT INTO credential_verdicts (tenant_id, credential, refused, refused_at, accepted_at) VALUES
    (1, 'refused', 'The client secret has expired.', '2026-09-01 08:00Z', NULL),
    (1, 'accepted', '', NULL, '2026-09-01 08:00Z');
