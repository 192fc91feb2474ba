import { randomBytes } from 'node:crypto';

const AT_LEAST = 32;

/**
 * One step of a Secrets Manager rotation. Two webhook secrets are valid at any time: the new one, and the one that
 * Marketo still sends. The secret before those becomes invalid.
 *
 * @param {{ Step: string, SecretId: string, ClientRequestToken: string }} event
 * @param {{
 *   read(stage: 'AWSCURRENT' | 'AWSPENDING', version?: string): Promise<string | null>,
 *   writePending(version: string, value: string): Promise<void>,
 *   currentVersion(): Promise<string>,
 *   makeCurrent(version: string, instead: string): Promise<void>,
 *   restartApi(): Promise<void>,
 *   tell(subject: string, text: string): Promise<void>,
 * }} world
 */
export async function rotate({ Step, SecretId, ClientRequestToken: version }, world) {
  switch (Step) {
    case 'createSecret': {
      // Secrets Manager repeats a step whose answer was lost, so an existing value must stay.
      if ((await world.read('AWSPENDING', version)) !== null) return;
      const [newest] = listOf(await world.read('AWSCURRENT'));
      if (!newest) throw new Error('The webhook secret is empty: set one of 32 characters or more first.');
      return world.writePending(version, `${randomBytes(36).toString('hex')},${newest}`);
    }
    case 'setSecret':
      return; // only our own api uses it, and it restarts at the end
    case 'testSecret': {
      const pending = listOf(await world.read('AWSPENDING', version));
      const [newest] = listOf(await world.read('AWSCURRENT'));
      const fits = pending.length === 2 && pending.every((secret) => secret.length >= AT_LEAST) && pending[0] !== pending[1];
      if (!fits || pending[1] !== newest)
        throw new Error('The pending value is not a new secret followed by the one in use. Nothing was changed.');
      return;
    }
    case 'finishSecret': {
      const current = await world.currentVersion();
      if (current !== version) await world.makeCurrent(version, current);
      // Tasks read their secrets when they start; a rolling restart loses no webhook.
      await world.restartApi();
      return world.tell(
        'RevenueFlow: put the new webhook secret into Marketo',
        `The webhook secret ${SecretId} has been rotated. The one that Marketo sends now stays valid until the next rotation. Before then ` +
          'put the new one, which is the first of the two in that secret, into the X-Webhook-Secret header of the webhook in Marketo.',
      );
    }
    default:
      throw new Error(`Secrets Manager asks for a step that is not known here: ${Step}.`);
  }
}

/** @param {string | null} value */
const listOf = (value) => (value ?? '').split(',').filter((secret) => secret !== '');
