import { lchown, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The user that runs PostgreSQL: it refuses to run as root. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** The user `nobody` if this process is root, else null: PostgreSQL runs as this process's user. */
export async function serverUser(): Promise<ServerUser | null> {
  if (process.getuid?.() !== 0) return null;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const entry = passwd.split('\n').find((line) => line.startsWith('nobody:'));
  const [, , uid, gid] = entry?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : { uid: 65534, gid: 65534 };
}

/** Gives a folder and its content to the user; links themselves, never their targets, which may belong to others. */
export async function giveTo(user: ServerUser, folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  await lchown(folder, user.uid, user.gid);
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), user.uid, user.gid);
}
