import type { OpenLead } from '../ledger/open-leads.repository.js';
import type { Announcement } from '../queue/job.js';

/** A lead's job with its age, its delay and its place: it must not jump the queue, nor its own backoff. */
export function announcementOf({ leadId, epoch, contentAt, nextAttemptAt, lowPriority }: OpenLead): Announcement {
  return {
    leadId,
    epoch,
    since: contentAt.getTime(),
    ...(nextAttemptAt ? { dueAt: nextAttemptAt.getTime() } : {}),
    ...(lowPriority ? { low: true } : {}),
  };
}
