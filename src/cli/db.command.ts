import type { Command } from 'commander';
import { CommandError, EXIT_CODES } from './exit-codes.js';
import { group } from './options.js';
import type { Session } from './session.js';

/** `db migrate`, and the older `migrate`. */
export function addDatabaseCommands(program: Command, session: Session): void {
  const db = group(program.command('db').description("the service's database; uses DATABASE_URL, not the service"));
  addMigrate(db.command('migrate'), session);
  addMigrate(program.command('migrate', { hidden: true }), session);
}

function addMigrate(command: Command, session: Session): void {
  command.description('bring the schema of DATABASE_URL up to date').action(async () => {
    const url = session.io.env['DATABASE_URL']?.trim();
    if (!url) {
      throw new CommandError(
        EXIT_CODES.failure,
        'DATABASE_URL is required. Without it the only database is the embedded one, which the service migrates at its start.',
      );
    }
    // The driver of PostgreSQL is for this command only.
    const { migrate } = await import('../platform/database/migrate.js');
    const applied = await migrate(url);
    await session.output.document({ applied }, () =>
      applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`,
    );
  });
}
