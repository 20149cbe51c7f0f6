import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  judgeCertificate,
  judgeClock,
  judgeCpu,
  judgeDisk,
  judgeEngine,
  judgeFiles,
  judgeMemory,
  judgePort,
  judgeState,
  type Finding,
  type StateFacts,
} from '../../edge-node/src/doctor/judge.ts';

const GIB = 1024 ** 3;
const now = new Date('2026-06-01T12:00:00Z');

/** Each finding says what is, and all but `ok` what to do. */
function found(finding: Finding, status: Finding['status'], says: RegExp): void {
  assert.equal(finding.status, status, JSON.stringify(finding));
  assert.match(finding.says, says);
  assert.match(finding.says, /\.$/);
  if (status === 'ok') assert.equal(finding.mend, undefined);
  else assert.match(finding.mend!, /^[A-Z].*\.$/);
}

describe('the doctor', () => {
  it('looks at the processor', () => {
    const cpu = { architecture: 'x64', cores: 4, threads: 2, features: new Set(['sse4_2', 'avx2']) };
    found(judgeCpu(cpu), 'ok', /^It has 4 cores \(x64\) with AVX2\.$/);
    found(judgeCpu({ ...cpu, features: new Set(['avx']) }), 'warn', /without AVX2/);
    found(judgeCpu({ ...cpu, features: undefined }), 'ok', /^It has 4 cores \(x64\)\.$/);
    found(judgeCpu({ ...cpu, architecture: 'arm64', features: new Set(['asimd']) }), 'ok', /ASIMD/);
    found(judgeCpu({ ...cpu, architecture: 'riscv64' }), 'warn', /riscv64/);
    found(judgeCpu({ ...cpu, threads: 5 }), 'warn', /5 threads/);
  });

  it('looks at the memory', () => {
    const memory = { total: 16 * GIB, available: 12 * GIB, budget: 8 * GIB, needs: 2 * GIB };
    found(judgeMemory(memory), 'ok', /2\.0 GiB .* of 8\.0 GiB/);
    found(judgeMemory({ ...memory, budget: 0 }), 'ok', /of 16 GiB/);
    found(judgeMemory({ ...memory, budget: GIB }), 'fail', /more than the bound of 1\.0 GiB/);
    found(
      judgeMemory({ ...memory, budget: 0, needs: 17 * GIB }),
      'fail',
      /more than the 16 GiB of the machine/,
    );
    found(judgeMemory({ ...memory, budget: 32 * GIB }), 'warn', /bound of 32 GiB/);
    found(judgeMemory({ ...memory, available: GIB }), 'warn', /1\.0 GiB are free/);
    found(judgeMemory({ ...memory, available: undefined }), 'ok', /2\.0 GiB/);
  });

  it('looks at the files', () => {
    found(judgeFiles({ family: 'small', problems: [], files: 7 }), 'ok', /All 7 files/);
    const problems = ['/a is missing.', '/b is damaged.'];
    found(judgeFiles({ family: 'small', problems, files: 7 }), 'fail', /^\/a is missing\. \/b is damaged\.$/);
  });

  it('looks at the port', () => {
    const port = (state: string) => judgePort({ host: 'h', port: 1, found: state });
    found(port('free'), 'ok', /^h:1 is free\.$/);
    found(port('node'), 'ok', /^A node answers at h:1\.$/);
    found(port('EADDRINUSE'), 'fail', /in use by something else/);
    found(port('EACCES'), 'fail', /not open to this user/);
    found(port('EWEIRD'), 'fail', /EWEIRD/);
  });

  it('looks at the certificate', () => {
    const certificate = {
      subject: 'DNS:edge.example.com',
      from: new Date('2026-01-01T00:00:00Z'),
      to: new Date('2026-12-31T00:00:00Z'),
      keyMatches: true,
      keyMode: 0o600,
    };
    const judged = (changed: Partial<typeof certificate>) =>
      judgeCertificate({ ...certificate, ...changed }, '0.0.0.0', now);
    found(judged({}), 'ok', /edge\.example\.com is valid until 2026-12-31/);
    found(judged({ keyMatches: false }), 'fail', /does not belong/);
    found(judged({ to: new Date('2026-05-31T00:00:00Z') }), 'fail', /ended on 2026-05-31/);
    found(judged({ to: now }), 'fail', /ended/);
    found(judged({ from: new Date('2026-06-02T00:00:00Z') }), 'fail', /begins on 2026-06-02/);
    found(judged({ to: new Date('2026-06-21T12:00:00Z') }), 'warn', /ends in 20 days/);
    found(judged({ to: new Date('2026-06-22T12:00:00Z') }), 'ok', /valid/);
    found(judged({ keyMode: 0o640 }), 'warn', /read by other users/);
    found(judgeCertificate({ problem: 'It cannot be read.' }, '0.0.0.0', now), 'fail', /It cannot be read/);
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
      found(judgeCertificate(undefined, host, now), 'ok', /loopback/);
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'edge.example.com'])
      found(judgeCertificate(undefined, host, now), 'warn', /without TLS/);
  });

  it('looks at the state', () => {
    const state: StateFacts = {
      directory: '/s',
      exists: true,
      mode: 0o700,
      integrity: 'ok',
      tokens: { valid: 3, admin: 1 },
      incomplete: [],
      outdated: false,
    };
    found(judgeState(state), 'ok', /valid tokens: 3/);
    found(judgeState({ ...state, outdated: true }), 'ok', /will be brought up to date at the next start\.$/);
    found(judgeState({ ...state, exists: false }), 'warn', /no node's state in \/s yet/);
    found(judgeState({ ...state, integrity: 'row 7 missing\nrow 8' }), 'fail', /damaged \(row 7 missing\)/);
    found(judgeState({ ...state, incomplete: ['mine@1'] }), 'fail', /mine@1/);
    found(judgeState({ ...state, mode: 0o755 }), 'warn', /open to other users/);
    found(judgeState({ ...state, tokens: { valid: 3, admin: 0 } }), 'warn', /none is an admin's/);
    assert.deepEqual(judgeState({ ...state, problem: 'It is damaged; restore it.' }), {
      check: 'state',
      status: 'fail',
      says: 'It is damaged; restore it.',
    });
  });

  it('looks at the clock', () => {
    found(judgeClock(now, undefined), 'ok', /2026-06-01/);
    found(judgeClock(now, new Date(now.getTime() + 30_000)), 'ok', /2026/);
    found(judgeClock(now, new Date('2026-06-01T13:00:00Z')), 'warn', /before something that was done/);
    found(judgeClock(new Date(0), undefined), 'fail', /1970/);
  });

  it('looks at the disk and the engine', () => {
    found(judgeDisk('/s', 10 * GIB), 'ok', /11 GB free/);
    found(judgeDisk('/s', GIB), 'warn', /1\.1 GB free/);
    found(judgeDisk('/s', 1024), 'fail', /1\.0 kB free/);
    found(judgeEngine(undefined), 'ok', /loads a model/);
    found(judgeEngine('The model process was ended by SIGILL.'), 'fail', /SIGILL/);
  });
});
