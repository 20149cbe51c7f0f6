/** A file that models like to go on with, one method after the other. */
export const REGISTRY = `export class Registry {
  readonly items = new Map<string, number>();

  add(name: string, value: number): void {
    this.items.set(name, value);
  }

`;
