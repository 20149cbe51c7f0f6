import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PowerSource, powerOfLinux, powerOfMac, readPower, type Power } from '../../server/src/power.ts';

describe('the power source', () => {
  const supply = (type: string, online = '', scope = '') => ({ type, online, scope });
  it('of Linux is the battery where there is one and no adapter is plugged in', () => {
    const cases: [Power, ReturnType<typeof supply>[]][] = [
      ['mains', []],
      ['mains', [supply('Mains', '1'), supply('Battery')]],
      ['battery', [supply('Mains', '0'), supply('Battery')]],
      ['mains', [supply('Mains', '0'), supply('USB', '1'), supply('Battery')]],
      // A desktop with a wireless mouse.
      ['mains', [supply('Battery')]],
      ['mains', [supply('USB', '0'), supply('Battery', '', 'Device')]],
      ['battery', [supply('USB', '0'), supply('Battery', '', 'System')]],
    ];
    for (const [power, supplies] of cases) assert.equal(powerOfLinux(supplies), power);
  });

  it('of Linux is read from its files', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'foretype-power-'));
    t.after(() => rm(directory, { recursive: true }));
    const write = async (name: string, files: Record<string, string>) => {
      await mkdir(join(directory, name), { recursive: true });
      for (const [file, text] of Object.entries(files)) await writeFile(join(directory, name, file), text);
    };
    await write('AC', { type: 'Mains\n', online: '0\n' });
    await write('BAT0', { type: 'Battery\n' });
    assert.equal(await readPower('linux', directory), 'battery');
    await write('AC', { online: '1\n' });
    assert.equal(await readPower('linux', directory), 'mains');
    await assert.rejects(readPower('linux', join(directory, 'none')));
  });

  it('of a Mac is what pmset says', () => {
    assert.equal(
      powerOfMac("Now drawing from 'Battery Power'\n -InternalBattery-0 80%; discharging"),
      'battery',
    );
    assert.equal(powerOfMac("Now drawing from 'AC Power'\n"), 'mains');
  });

  it('is asked once a minute, and stays what it was where the system does not tell', async () => {
    let clock = 0;
    let asked = 0;
    let answer: Promise<Power> = Promise.resolve('battery');
    const source = new PowerSource(
      () => clock,
      () => {
        asked++;
        return answer;
      },
    );
    const read = async () => {
      const { current } = source;
      await new Promise(setImmediate);
      return current;
    };
    assert.deepEqual([await read(), await read(), await read(), asked], ['mains', 'battery', 'battery', 1]);
    clock += 61_000;
    answer = Promise.reject(new Error('unknown'));
    assert.deepEqual([await read(), await read(), asked], ['battery', 'battery', 2]);
  });
});
