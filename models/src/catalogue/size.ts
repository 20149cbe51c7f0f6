/** Pure: how sizes are written. */

/** Bytes of a file or a disk, as download pages write them: `1646573056` → `1.6 GB`. */
export function sizeText(bytes: number): string {
  return scaled(bytes, 1000, ['bytes', 'kB', 'MB', 'GB', 'TB']);
}

/** Bytes of memory, which comes in powers of two: `1610612736` → `1.5 GiB`. */
export function memoryText(bytes: number): string {
  return scaled(bytes, 1024, ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']);
}

function scaled(bytes: number, step: number, units: readonly string[]): string {
  let [size, unit] = [bytes, 0];
  while (Math.round(size) >= step && unit < units.length - 1) [size, unit] = [size / step, unit + 1];
  return `${size.toFixed(unit === 0 || size >= 9.95 ? 0 : 1)} ${units[unit]}`;
}
