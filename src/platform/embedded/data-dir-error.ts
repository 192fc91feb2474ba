import { AppError } from '../../domain/app-error.js';

/** Error codes of the file system, as a cause that fits a wrong DATA_DIR. */
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

/** Maps an error of opening the stores to DATA_DIR_UNUSABLE if the folder is the cause. */
export function asDataDirError(error: unknown, dataDir: string): unknown {
  const { code = '', path = dataDir, syscall = '', message } = error as NodeJS.ErrnoException;
  const full = error instanceof AppError && FULL.test(message);
  const sentence = full ? SENTENCES['ENOSPC'] : SENTENCES[code];
  if (!sentence || !path.startsWith(dataDir) || /^(spawn|listen|connect)/.test(syscall)) return error;
  const place = path === dataDir ? `The data folder ${dataDir}` : `The data folder ${dataDir} (here ${path})`;
  return new AppError(
    'DATA_DIR_UNUSABLE',
    `${place} ${sentence}. What was in it is as it was. ` +
      `${full || code === 'ENOSPC' ? 'Free some space' : 'Fix that'} and start again, or point DATA_DIR at another folder.`,
    { cause: error },
  );
}
