-- Schema 0002 has one more index than 0001.
\ir 0001.sql
