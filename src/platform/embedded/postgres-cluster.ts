import { spawn, type SpawnOptions } from 'node:child_process';
import { appendFile, chown, open } from 'node:fs/promises';
import { AppError } from '../../domain/app-error.js';
import type { ServerUser } from './postgres-user.js';

export interface ClusterOwner {
  /** The database's superuser. */
  name: string;
  passwordFile: string;
  /** The user that runs the server, if it is not this process's. */
  user: ServerUser | null;
  logFile: string;
}

/** Runs initdb in an empty folder. The password is passed in a file, because every user can read arguments. */
export async function initialiseCluster(
  initdb: string,
  place: string[],
  options: SpawnOptions,
  owner: ClusterOwner,
): Promise<void> {
  // Another user may have no access to the file's path, but can read it as standard input that we have opened.
  if (owner.user) await chown(owner.passwordFile, owner.user.uid, owner.user.gid);
  const passwordFile = await open(owner.passwordFile);
  const pwfile = owner.user ? '/dev/stdin' : owner.passwordFile;
  const cluster = ['-U', owner.name, `--pwfile=${pwfile}`, '--auth=scram-sha-256', '--locale=C', '--encoding=UTF8'];
  const child = spawn(initdb, [...place, ...cluster, '--no-instructions'], {
    ...options,
    stdio: [passwordFile.fd, 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(null);
    });
    child.once('close', resolve);
  });
  await passwordFile.close();
  await appendFile(owner.logFile, output);
  if (code === 0) return;
  throw new AppError(
    'EMBEDDED_POSTGRES_FAILED',
    `The embedded PostgreSQL could not create its cluster (initdb). The log ${owner.logFile} ends with:\n` +
      output.trimEnd().split('\n').slice(-6).join('\n'),
  );
}
