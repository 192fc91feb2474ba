import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Each project begins with the files of the full suite, some of which take minutes: one at the end would leave the
 * other processes without work. Vitest itself knows the times of an earlier run only, which a fresh clone does not
 * have.
 */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...new Set(sorted.map(({ project }) => project))].flatMap((project) => {
      const own = sorted.filter((file) => file.project === project);
      const isLong = ({ moduleId }: TestSpecification) => moduleId.endsWith('.full.test.ts');
      return [...own.filter(isLong), ...own.filter((file) => !isLong(file))];
    });
  }
}
