-- The clock of each assigned lead until a person acts, what is done while no person does, and notices to owners. Read and
-- written by src/first-touch only, but for the views at the end. It stays empty where the routing rules have no `firstTouch`.

CREATE SCHEMA first_touch;

-- A claim takes its number from here; what a claim writes names the number, so an older claim writes nothing.
CREATE SEQUENCE first_touch.fences;

-- One clock per decision about an owner. It is removed with its lead, by an erasure and by the retention.
CREATE TABLE first_touch.clocks (
  assignment_id    bigint PRIMARY KEY REFERENCES routing.assignments (id) ON DELETE CASCADE,
  lead_id          uuid NOT NULL,
  person_key       bytea NOT NULL,
  campaign_id      text NOT NULL,
  owner_id         text NOT NULL,
  pool             text,
  band             text,
  rules_version    integer NOT NULL,
  pass             integer NOT NULL,          -- how many owners before this one let the clock run out
  sla_minutes      integer NOT NULL,          -- of the owner's working time
  decided_at       timestamptz NOT NULL,
  started_at       timestamptz,               -- the CRM has the owner; null: not yet
  due_at           timestamptz,               -- the end of the SLA
  crm_lead_id      text,
  entry_status     text,                      -- the status that the CRM showed before a person acted
  read_at          timestamptz,               -- when the CRM was asked last
  ended_at         timestamptz,
  end_reason       text,                      -- touched, claimed, not-mine, junk, reassigned, owner-changed, gone, ended
  touch            text,                      -- what the person did: status, task, event, claim, or an outcome
  touched_at       timestamptz,
  business_minutes float8                     -- the owner's working time from start to touch
);
CREATE INDEX clocks_lead ON first_touch.clocks (lead_id);
CREATE INDEX clocks_waiting ON first_touch.clocks (assignment_id) WHERE started_at IS NULL AND ended_at IS NULL;
CREATE INDEX clocks_open ON first_touch.clocks (person_key) WHERE ended_at IS NULL;
CREATE INDEX clocks_to_read ON first_touch.clocks (read_at) WHERE ended_at IS NULL AND started_at IS NOT NULL;
CREATE INDEX clocks_started ON first_touch.clocks (started_at);

-- What is due while no person acts. A step is open while `outcome` is null, and each has one effect.
CREATE TABLE first_touch.steps (
  assignment_id bigint NOT NULL REFERENCES first_touch.clocks (assignment_id) ON DELETE CASCADE,
  position      integer NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('remind', 'manager', 'reassign')),
  due_at        timestamptz NOT NULL,
  fence         bigint NOT NULL DEFAULT 0,
  claimed_until timestamptz NOT NULL DEFAULT '-infinity',
  ended_at      timestamptz,
  outcome       text,
  PRIMARY KEY (assignment_id, position)
);
CREATE INDEX steps_due ON first_touch.steps (due_at) WHERE outcome IS NULL;

-- Up to which decision clocks were made.
CREATE TABLE first_touch.position (
  only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  assignment_id bigint NOT NULL
);

-- Notices that are sent, and those that were. One per change and channel.
CREATE TABLE first_touch.notices (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  assignment_id bigint NOT NULL REFERENCES first_touch.clocks (assignment_id) ON DELETE CASCADE,
  kind          text NOT NULL,                -- assigned, reminder, manager, passed-on
  channel       text NOT NULL,                -- slack, webhook
  recipient_id  text NOT NULL,                -- the user of the CRM
  state         text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'not-needed', 'dropped')),
  created_at    timestamptz NOT NULL DEFAULT now(),
  next_at       timestamptz NOT NULL,
  attempts      integer NOT NULL DEFAULT 0,
  fence         bigint NOT NULL DEFAULT 0,
  claimed_until timestamptz NOT NULL DEFAULT '-infinity',
  settled_at    timestamptz,
  UNIQUE (assignment_id, kind, channel)
);
CREATE INDEX notices_due ON first_touch.notices (channel, next_at) WHERE state = 'due';
CREATE INDEX notices_sent ON first_touch.notices (channel, recipient_id, settled_at) WHERE state = 'sent';
CREATE INDEX notices_settled ON first_touch.notices (settled_at) WHERE state <> 'due';

-- Why a channel takes no notices. One row per channel while it does not.
CREATE TABLE first_touch.channel_problems (
  channel      text PRIMARY KEY,
  since        timestamptz NOT NULL DEFAULT now(),
  problem      text NOT NULL,                 -- what the last attempt met, without the address
  failures     integer NOT NULL DEFAULT 1,
  paused_until timestamptz NOT NULL,
  dropped      integer NOT NULL DEFAULT 0
);

-- Published to other modules.

-- What a notice shows of a lead.
CREATE VIEW ledger.lead_cards AS
  SELECT id AS lead_id, person_key, campaign_id, crm->>'leadId' AS crm_lead_id, (enrichment->>'fitScore')::int AS fit_score,
    enrichment->>'intent' AS intent, coalesce(enrichment->'evidence', '[]') AS evidence,
    coalesce(attributes->>'company', attributes->>'Company', attributes->>'company_name', attributes->>'account') AS company
  FROM ledger.leads;

-- What other systems reported: a person works on the lead. The CRM itself is read by lead, since a changed record alone says
-- nothing about who changed it.
CREATE VIEW feedback.reported_acts AS
  SELECT person_key, kind, at FROM feedback.outcomes WHERE source <> 'salesforce';

-- Whether a decision reached the CRM, and whether it stands.
CREATE VIEW routing.decision_states AS
  SELECT id AS assignment_id, lead_id, decided_at, written_at, ended_at, end_reason FROM routing.assignments;

-- What is held about a person's clocks, for an export.
CREATE VIEW first_touch.held_records AS
  SELECT c.person_key, 'first touch' AS record_kind, c.decided_at AS at,
    to_jsonb(c) - 'person_key' || jsonb_build_object('steps', coalesce((
      SELECT jsonb_agg(to_jsonb(s) - 'assignment_id' - 'fence' - 'claimed_until' ORDER BY s.position)
      FROM first_touch.steps s WHERE s.assignment_id = c.assignment_id), '[]')) AS record
  FROM first_touch.clocks c;
