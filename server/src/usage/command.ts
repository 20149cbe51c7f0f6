import { merged } from './rows.ts';
import { UsageStore } from './store.ts';

export interface UsageCommandIo {
  /** Where the counts lie; empty where the system names no place. */
  readonly directory: string;
  readonly print: (line: string) => void;
  readonly note: (line: string) => void;
}

/** Shows the measures of use of editors that give no directory, exactly as they would be sent, or deletes them. */
export async function runUsage(
  task: 'show' | 'forget',
  { directory, print, note }: UsageCommandIo,
): Promise<void> {
  if (directory === '') {
    note('There are no measures of use: the system names no directory for them.');
    return;
  }
  const store = new UsageStore({ directory, id: '', day: () => '', log: note });
  if (task === 'forget') {
    await store.forget();
    note(`The measures of use in ${directory} are deleted.`);
    return;
  }
  print(JSON.stringify(merged(await store.load()), null, 2));
  note(`These are the measures of use in ${directory}. This version sends them nowhere.`);
}
