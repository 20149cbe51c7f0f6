/** The adapters that a node has, by the names that people use and the ids that rounds ask for. */
import type { Family } from '@foretype/models';
import type { AdapterVersion } from './adapters/store.ts';

/** One version of an adapter. */
export interface Hosted {
  /**
   * What a round asks for, and what its KV belongs to: the name alone where the family brought the adapter, `name@number`
   * where it was added. A completion keeps to one id, so that a new version never changes it half-way.
   */
  readonly id: string;
  readonly name: string;
  /** Absent where the family brought it. */
  readonly version?: number;
  readonly sha256: string;
  readonly bytes: number;
  readonly pinned: boolean;
}

export interface Roster {
  /** The version of each name that is answered with now. */
  readonly current: readonly Hosted[];
  /** Any version that is there, by id. */
  find(id: string): Hosted | undefined;
  /** By name or id, as a person writes it: a name stands for its current version. */
  resolve(name: string): Hosted | undefined;
  /** That of a project; undefined where it has none and the backbone itself answers. */
  ofProject(project: string): Hosted | undefined;
}

/** Adapters as the database has them at one moment. */
export interface Stored {
  readonly versions: readonly (Pick<
    AdapterVersion,
    'adapter' | 'number' | 'sha256' | 'bytes' | 'backbone'
  > & {
    readonly pinned: boolean;
  })[];
  /** Names of adapters by project, of those that were added and those that a family brings. */
  readonly projects: ReadonlyMap<string, string>;
}

/** Those of the families that bring an adapter of that name. */
export function bringing<F extends Pick<Family, 'adapters'>>(families: readonly F[], name: string): F[] {
  return families.filter(({ adapters }) => adapters.some((shipped) => shipped.name === name));
}

/** The family's own adapters and those that were added, which go before a family's of the same name. */
export function rosterOf(
  family: Pick<Family, 'adapters' | 'backbone'>,
  { versions, projects }: Stored,
): Roster {
  const shipped = family.adapters.map(({ name, sha256, bytes }): Hosted => ({
    id: name,
    name,
    sha256,
    bytes,
    pinned: false,
  }));
  const fitting = versions.filter(({ backbone }) => backbone === family.backbone.sha256);
  const added = fitting.map(({ adapter: name, number: version, ...facts }): Hosted => ({
    id: `${name}@${version}`,
    name,
    version,
    sha256: facts.sha256,
    bytes: facts.bytes,
    pinned: facts.pinned,
  }));
  const byId = new Map([...shipped, ...added].map((hosted) => [hosted.id, hosted]));
  // The later wins, and versions come by their number.
  const byName = new Map([...shipped, ...added].map((hosted) => [hosted.name, hosted]));
  const resolve = (name: string) => byName.get(name) ?? byId.get(name);
  return {
    current: [...byName.values()],
    find: (id) => byId.get(id),
    resolve,
    ofProject: (project) => {
      const name = projects.get(project);
      return name === undefined ? undefined : resolve(name);
    },
  };
}
