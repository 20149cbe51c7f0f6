'use strict';
// Runs the suite inside VS Code's extension host, which calls `run` and exits with 1 when that rejects.
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const Mocha = require('mocha');

exports.run = async () => {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'spec', color: false });
  mocha.addFile(join(__dirname, 'extension.ts'));
  await mocha.loadFilesAsync();
  const results = [];
  await new Promise((resolve, reject) => {
    const runner = mocha.run((failures) =>
      failures > 0 ? reject(new Error(`${failures} failed`)) : resolve(),
    );
    runner.on('pass', (test) => results.push({ title: test.title, milliseconds: test.duration }));
    runner.on('fail', (test, error) =>
      results.push({ title: test.title, error: error.stack ?? String(error) }),
    );
    runner.on('end', () => writeFileSync(process.env.FORETYPE_SUITE_RESULTS, JSON.stringify(results)));
  });
};
