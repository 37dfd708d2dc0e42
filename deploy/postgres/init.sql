-- Roles, database and schema of a cluster, run once by a superuser, with psql:
-- the image's entrypoint does so on an empty volume. Passwords come from the
-- environment, so that none stands here or in a list of processes.
--
-- Two roles: the owner makes and changes tables (ocapi migrate up); the nodes'
-- role may add events and read them, and can neither change nor remove one, nor
-- give itself the right to. What it may do is granted by
-- ocapi migrate up --grant ocapi_app, with the tables.

\set ON_ERROR_STOP on
\set owner_password ''
\set app_password ''
\getenv owner_password OCAPI_OWNER_PASSWORD
\getenv app_password OCAPI_APP_PASSWORD

-- A missing password would make a role that nobody can sign in as.
SELECT length(:'owner_password') < 12 OR length(:'app_password') < 12 AS weak \gset
\if :weak
    \warn OCAPI_OWNER_PASSWORD and OCAPI_APP_PASSWORD need at least 12 characters each
    SELECT 1 / 0 AS a_password_is_too_short;
\endif

CREATE ROLE ocapi_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE ocapi_app LOGIN PASSWORD :'app_password';

CREATE DATABASE ocapi OWNER ocapi_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE ocapi FROM PUBLIC;
GRANT CONNECT ON DATABASE ocapi TO ocapi_app;

\connect ocapi

-- All that is Ocapi's is in one schema, which only the owner can put things in.
DROP SCHEMA public;
CREATE SCHEMA ocapi AUTHORIZATION ocapi_owner;
GRANT USAGE ON SCHEMA ocapi TO ocapi_app;
ALTER DATABASE ocapi SET search_path = ocapi;
