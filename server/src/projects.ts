import { namedProject, normaliseRemote, projectId } from '@foretype/edge-node/protocol';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

/** `.foretype.json`, which a team may commit: a name for the project where its repository has no address in common. */
const ProjectFileSchema = Type.Object({ project: Type.String() });

/** Milliseconds that git gets to name a remote; it answers from a file. */
const GIT_MS = 5000;

const run = promisify(execFile);

/** The projects of documents, as a node knows them: hashes of addresses and names, never those themselves. */
export class Projects {
  /** By directory. Nobody gives a project another address while an editor is open, or they open it anew. */
  readonly #known = new Map<string, Promise<string | undefined>>();

  /** SHA-256 in hex of the project that a document belongs to; undefined where none can be told. */
  of(uri: string): Promise<string | undefined> {
    const directory = directoryOf(uri);
    if (directory === undefined) return Promise.resolve(undefined);
    const known = this.#known.get(directory) ?? projectOf(directory);
    this.#known.set(directory, known);
    return known;
  }
}

/** Undefined where a document is in no directory of this machine. */
function directoryOf(uri: string): string | undefined {
  if (!uri.startsWith('file:')) return undefined;
  try {
    return dirname(fileURLToPath(uri));
  } catch {
    return undefined;
  }
}

async function projectOf(directory: string): Promise<string | undefined> {
  return (await committedProject(directory)) ?? (await remoteProject(directory));
}

/** By the nearest `.foretype.json` upwards. */
async function committedProject(directory: string): Promise<string | undefined> {
  const text = await readFile(join(directory, '.foretype.json'), 'utf8').catch(() => undefined);
  if (text !== undefined) {
    const name = projectNameIn(text);
    const project = name === undefined ? undefined : namedProject(name);
    if (project !== undefined) return projectId(project);
  }
  const parent = dirname(directory);
  return parent === directory ? undefined : committedProject(parent);
}

function projectNameIn(text: string): string | undefined {
  try {
    const content: unknown = JSON.parse(text);
    return Value.Check(ProjectFileSchema, content) ? content.project : undefined;
  } catch {
    return undefined;
  }
}

/** By the address of its remote, which git itself is asked for: worktrees and included configurations are its affair. */
async function remoteProject(directory: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', ['-C', directory, 'remote', 'get-url', 'origin'], {
      timeout: GIT_MS,
      windowsHide: true,
    });
    const remote = normaliseRemote(stdout.trim());
    return remote === undefined ? undefined : projectId(remote);
  } catch {
    // No git, no repository, no remote of that name: no project.
    return undefined;
  }
}
