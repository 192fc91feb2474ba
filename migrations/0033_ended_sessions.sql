-- Sessions of the console that ended before their time, since their operator signed out. A session has no row of its own:
-- it is in its cookie. `id` is derived from the cookie and gives no access. Rows of past times are removed by the next one.
CREATE TABLE ledger.ended_sessions (
  id      text PRIMARY KEY,
  ends_at timestamptz NOT NULL
);
