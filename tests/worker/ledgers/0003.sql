-- Schema 0003 remembers what is held, released and rebuilt.
\ir 0002.sql
UPDATE synchronizations SET held_going = 30, held_of = 40, released_reading = 'reading' WHERE id = 2;
UPDATE synchronizations SET rebuild_asked_at = '2026-10-14 08:00Z' WHERE id = 3;
