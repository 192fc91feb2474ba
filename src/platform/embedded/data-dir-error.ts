import { AppError } from '../../domain/app-error.js';

/** What the system's refusals mean for somebody who has set DATA_DIR, or has just started the service in a folder. */
const SENTENCES: Record<string, string> = {
  EEXIST: 'cannot be made: a file is in its place',
  ENOTDIR: 'cannot be made: a file is in its path',
  EACCES: 'cannot be written to by this user',
  EPERM: 'cannot be written to by this user',
  EROFS: 'cannot be written to: its file system is read-only',
  ENOSPC: 'is on a disk that is full',
  EDQUOT: 'is on a disk whose quota is used up',
};
const FULL = /No space left on device/;

/** An error met while the stores were opened, as a sentence where the folder is at fault. */
export function asDataDirError(error: unknown, dataDir: string): unknown {
  const { code = '', path = dataDir, syscall = '', message } = error as NodeJS.ErrnoException;
  const full = error instanceof AppError && FULL.test(message);
  const sentence = full ? SENTENCES['ENOSPC'] : SENTENCES[code];
  if (!sentence || !path.startsWith(dataDir) || /^(spawn|listen|connect)/.test(syscall)) return error;
  const place = path === dataDir ? `The data folder ${dataDir}` : `The data folder ${dataDir} (here ${path})`;
  return new AppError(
    'DATA_DIR_UNUSABLE',
    `${place} ${sentence}. What was in it is as it was. ` +
      `${full || code === 'ENOSPC' ? 'Make room' : 'Mend that'} and start again, or point DATA_DIR at another folder.`,
    { cause: error },
  );
}
