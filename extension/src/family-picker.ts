import { type QuickPickItem, QuickPickItemKind, ThemeIcon, window } from 'vscode';
import type { FamilyChoice, FamilyGroup, FamilyItem } from './family-choices.ts';

interface Row extends QuickPickItem {
  readonly item?: FamilyItem;
}

/** Shows families to choose from, some with a button to delete them; undefined where the user chooses nothing. */
export async function pickFamily(
  groups: readonly FamilyGroup[],
  { title, placeholder }: { readonly title: string; readonly placeholder: string },
): Promise<FamilyChoice | undefined> {
  const picker = window.createQuickPick<Row>();
  picker.title = title;
  picker.placeholder = placeholder;
  picker.matchOnDescription = true;
  picker.items = groups.flatMap(({ heading, items }) => [
    { label: heading, kind: QuickPickItemKind.Separator },
    ...items.map(rowOf),
  ]);
  const { promise, resolve } = Promise.withResolvers<FamilyChoice | undefined>();
  picker.onDidAccept(() => resolve(picker.selectedItems[0]?.item?.choice));
  picker.onDidTriggerItemButton(({ item: { item } }) => resolve(item?.removal?.choice));
  picker.onDidHide(() => resolve(undefined));
  picker.show();
  return promise.finally(() => picker.dispose());
}

function rowOf(item: FamilyItem): Row {
  const { label, description, detail, removal } = item;
  const buttons = removal ? [{ iconPath: new ThemeIcon('trash'), tooltip: removal.tooltip }] : [];
  return { label, description, detail, buttons, item };
}
