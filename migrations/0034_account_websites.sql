-- Where a domain of an account is known from. That of its website counts more than those of its contacts, who may be
-- consultants or partners, and follows when the website changes. Of rows from before nothing is known: they stay.
ALTER TABLE routing.account_domains
  ADD COLUMN IF NOT EXISTS of_website boolean NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS of_contacts boolean NOT NULL DEFAULT true;
