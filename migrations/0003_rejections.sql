-- Authenticated requests that were answered 400: a broken template must lose no lead. Bounded in number, size and age.

CREATE TABLE ledger.rejections (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  received_at  timestamptz NOT NULL DEFAULT now(),
  content_type text NOT NULL,
  body         bytea NOT NULL,
  code         text NOT NULL,
  detail       text NOT NULL,
  problems     jsonb NOT NULL,
  replayed_as  uuid,                 -- the lead that it became
  replayed_by  text,
  replayed_at  timestamptz
);

CREATE INDEX rejections_received ON ledger.rejections (received_at DESC, id DESC);
