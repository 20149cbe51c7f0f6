/** llama-server of the very llama.cpp that the engine is made of: node-llama-cpp brings its sources along. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SOURCES = join(ROOT, 'node_modules', 'node-llama-cpp', 'llama');
const PLACE = join(ROOT, '.foretype', 'bench', 'llama-server');

/** No network, no pages, nothing but the server; for this machine's own instructions. */
const OPTIONS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DGGML_NATIVE=ON',
  '-DLLAMA_OPENSSL=OFF',
  '-DLLAMA_BUILD_UI=OFF',
  '-DLLAMA_USE_PREBUILT_UI=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_APP=OFF',
];

/** llama.cpp's release, as node-llama-cpp names it. */
export function release(): string {
  const { tag } = JSON.parse(readFileSync(join(SOURCES, 'llama.cpp.info.json'), 'utf8')) as { tag: string };
  return tag;
}

/** The program; undefined where it was not built, or from another release. */
export function peerProgram(): string | undefined {
  const program = join(
    placeOf('build'),
    'bin',
    process.platform === 'win32' ? 'llama-server.exe' : 'llama-server',
  );
  return existsSync(program) ? program : undefined;
}

export const NOT_BUILT = `This part needs llama-server ${release()}, which is not built; "npm run bench -- --build-peer" builds it with git, CMake and a C++ compiler.`;

/**
 * Builds it under `.foretype/`, outside of git.
 * @throws Error naming the step that failed; the tool says why on standard error.
 */
export function buildPeer(): void {
  const [sources, build] = [placeOf('sources'), placeOf('build')];
  if (!existsSync(join(sources, 'CMakeLists.txt'))) {
    rmSync(sources, { recursive: true, force: true });
    step('git', [
      '-c',
      'advice.detachedHead=false',
      'clone',
      '--quiet',
      join(SOURCES, 'gitRelease.bundle'),
      sources,
    ]);
  }
  step('cmake', ['-S', sources, '-B', build, ...OPTIONS]);
  step('cmake', ['--build', build, '--target', 'llama-server', '--parallel', String(availableParallelism())]);
}

function placeOf(what: 'sources' | 'build'): string {
  return join(PLACE, release(), what);
}

function step(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (error)
    throw new Error(`llama-server needs ${program} to be built, which cannot be started.`, { cause: error });
  if (status !== 0)
    throw new Error(`${program} ended with code ${status ?? 'none'}; llama-server is not built.`);
}
