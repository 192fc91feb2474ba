import { readFileSync } from 'node:fs';
import { type Copy, DockerfileParser, type From, type Instruction, type ModifiableInstruction } from 'dockerfile-ast';

export interface Step {
  /** Upper case: COPY, RUN, … */
  does: string;
  /** What stands after the keyword and its flags, with continued lines joined. */
  says: string;
  flags: Record<string, string>;
  /** The strings of an exec form; empty where it is not one. */
  exec: string[];
}

export interface Stage {
  name: string;
  base: string;
  steps: Step[];
}

/** The stages of a Dockerfile in order, with build arguments put in. Throws where an argument is not declared. */
export function readDockerfile(file: string, given: Record<string, string> = {}): Stage[] {
  const args: Record<string, string> = {};
  const stages: Stage[] = [];
  for (const instruction of DockerfileParser.parse(readFileSync(file, 'utf8')).getInstructions()) {
    const does = instruction.getKeyword();
    if (does === 'ARG') {
      const [name, preset] = instruction.getArgumentsContent()!.split('=', 2) as [string, string | undefined];
      args[name] = given[name] ?? preset ?? '';
    } else if (does === 'FROM') {
      const from = instruction as From;
      stages.push({ name: from.getBuildStage() ?? '', base: withArgs(from.getImage()!, args), steps: [] });
    } else stages.at(-1)!.steps.push(stepOf(instruction, args));
  }
  return stages;
}

function stepOf(instruction: Instruction, args: Record<string, string>): Step {
  const does = instruction.getKeyword();
  const says = (instruction.getRawArgumentsContent() ?? '').replaceAll(/\s*\\\n\s*/g, ' ');
  const flags = 'getFlags' in instruction ? (instruction as ModifiableInstruction | Copy).getFlags() : [];
  const exec = /^(?:CMD\s+)?(\[.*\])$/.exec(says)?.[1];
  return {
    does,
    says: does === 'RUN' ? says : withArgs(says, args),
    flags: Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
    exec: exec ? (JSON.parse(exec) as string[]) : [],
  };
}

function withArgs(text: string, args: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    if (!(name in args)) throw new Error(`The Dockerfile uses ${name} without an ARG.`);
    return args[name]!;
  });
}

/** NAME=value pairs of an ENV or LABEL, quotes removed. */
export function pairsOf(says: string): Record<string, string> {
  const pairs = [...says.matchAll(/([\w.]+)=("(?:[^"\\]|\\.)*"|\S+)/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!.replace(/^"(.*)"$/, '$1')]));
}
