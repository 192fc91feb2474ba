import { readdir } from 'node:fs/promises';
import { AppError } from '../../domain/app-error.js';

/** What a server's folder may contain; anything else was not created by this service. */
export class OwnFolder {
  constructor(
    private readonly folder: string,
    private readonly ours: readonly string[],
    /** The variable that selects the user's own server instead. */
    private readonly alternative: string,
  ) {}

  /** The names in the folder; none if it does not exist. @throws AppError DATA_DIR_UNUSABLE */
  async entries(): Promise<string[]> {
    let names: string[];
    try {
      names = await readdir(this.folder);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return [];
      throw this.unusable(`cannot be read as a folder (${code})`);
    }
    const foreign = names.filter((name) => !this.ours.includes(name));
    if (foreign.length > 0) throw this.unusable(`has files that this service did not create (${foreign.slice(0, 3).join(', ')})`);
    return names;
  }

  unusable(found: string): AppError {
    return new AppError(
      'DATA_DIR_UNUSABLE',
      `${this.folder} ${found}. Nothing in it was changed. Point DATA_DIR at an empty folder, or set ${this.alternative}.`,
    );
  }
}
