import { lchown, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Who runs PostgreSQL: it refuses to run as root, so root lends it another user. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** `nobody` where we are root, else null: we run it ourselves. */
export async function serverUser(): Promise<ServerUser | null> {
  if (process.getuid?.() !== 0) return null;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const nobody = passwd.split('\n').find((line) => line.startsWith('nobody:'));
  const [, , uid, gid] = nobody?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : { uid: 65534, gid: 65534 };
}

/** Gives a folder and all that is in it to the user; links themselves, never what they point to, which may be anybody's. */
export async function giveTo(user: ServerUser, folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  await lchown(folder, user.uid, user.gid);
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), user.uid, user.gid);
}
