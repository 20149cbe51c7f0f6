/** Pure: the tables of part `draft`. */
import { median, type DraftCounts } from './aggregate.ts';
import { LENGTHS, type DraftResult } from './drafting.ts';
import { SOURCES } from './sources.ts';
import { ratio, share, table, whole } from './table.ts';

export function draftsOf(results: readonly DraftResult[]): string[] {
  const nameOf = ({ adapter, project }: DraftResult) =>
    `${adapter || 'backbone'}${project ? ` on ${project}` : ''}`;
  const rows = results.flatMap((result) =>
    SOURCES.map((source) => {
      const cells = LENGTHS.flatMap((length) => {
        const { drafted, accepted, committed, rounds } = result.counts[`${source} ${length}`]!;
        return [`${whole(accepted)}/${whole(drafted)}`, share(accepted, drafted), ratio(committed, rounds)];
      });
      return [nameOf(result), source, ...cells];
    }),
  );
  const headings = LENGTHS.flatMap((length) => [`K = ${length}`, 'accepted', 'tokens a round']);
  const longest = LENGTHS.at(-1)!;
  const places = Array.from({ length: longest }, (_, place) => String(place + 1));
  const byPlace = results.flatMap((result) => {
    const { draftedAt, judgedAt, acceptedAt } = result.counts[`neural ${longest}`]!;
    const of = (below: readonly number[]) =>
      places.map((_, place) => share(acceptedAt[place]!, below[place]!));
    return [
      [nameOf(result), 'of those judged', ...of(judgedAt)],
      [nameOf(result), 'of those drafted', ...of(draftedAt)],
    ];
  });
  const choices = results.map((result) => {
    const { tokens, same, draftRight, targetRight } = result.choices;
    return [
      nameOf(result),
      whole(tokens),
      share(same, tokens),
      share(draftRight, tokens),
      share(targetRight, tokens),
    ];
  });
  return [
    table('**Drafts** against each target, at line holes.', ['target', 'source', ...headings], rows),
    table(
      `**Accepted by place** in the draft model's own drafts, K = ${longest}.`,
      ['target', 'share', ...places],
      byPlace,
    ),
    ...retentionOf(results),
    table(
      '**Choices on running text**: draft and target the same, and each as the text goes on.',
      ['target', 'tokens', 'same', 'draft right', 'target right'],
      choices,
    ),
  ];
}

/** Acceptance with an adapter as target over that with the backbone, on the same prompts. */
export function retentions(
  results: readonly DraftResult[],
  key: string,
): { readonly adapter: string; readonly kept: number }[] {
  const acceptance = ({ accepted, drafted }: DraftCounts) => accepted / drafted;
  return results
    .filter(({ adapter }) => adapter !== '')
    .map(({ adapter, project, counts }) => {
      const backbone = results.find((other) => other.project === project && other.adapter === '')!;
      return { adapter, kept: acceptance(counts[key]!) / acceptance(backbone.counts[key]!) };
    });
}

function retentionOf(results: readonly DraftResult[]): string[] {
  const keys = (['neural', 'blend'] as const).flatMap((source) =>
    LENGTHS.map((length) => `${source} ${length}`),
  );
  const columns = keys.map((key) => retentions(results, key));
  if (columns[0]!.length === 0) return [];
  const rows = columns[0]!.map(({ adapter }, index) => [
    adapter,
    ...columns.map((column) => share(column[index]!.kept, 1)),
  ]);
  const medians = columns.map((column) => share(median(column.map(({ kept }) => kept)), 1));
  const names = keys.map((key) => key.replace(' ', ', K = '));
  return [
    table(
      '**Retention**: acceptance with the adapter as target, of that with the backbone on the same prompts.',
      ['adapter', ...names],
      [...rows, ['median', ...medians]],
    ),
  ];
}
