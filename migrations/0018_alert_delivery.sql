-- Whether ALERT_WEBHOOK_URL takes messages. One row while it does not; none while it does.
CREATE TABLE flow.alert_delivery (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  since    timestamptz NOT NULL DEFAULT now(), -- the first failure after the last delivery
  problem  text NOT NULL,                      -- what the last attempt met, without the address
  dropped  integer NOT NULL DEFAULT 0          -- messages that were removed after their last attempt
);
