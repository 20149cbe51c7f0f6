import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LAYOUTS, readRawPrompt } from '../../edge-node/src/facade/raw-prompt.ts';

const prefix = 'def area(r):\n    return ';
const suffix = '\n\nprint(area(2))\n';

describe('a raw prompt with the markers of another model', () => {
  // As Zed's format_fim_prompt and Continue's templates write them.
  const prompts: [name: string, prompt: string][] = [
    ['Qwen and CodeGemma', `<|fim_prefix|>${prefix}<|fim_suffix|>${suffix}<|fim_middle|>`],
    ['StarCoder', `<fim_prefix>${prefix}<fim_suffix>${suffix}<fim_middle>`],
    ['Code Llama', `<PRE> ${prefix} <SUF>${suffix} <MID>`],
    ['DeepSeek', `<｜fim▁begin｜>${prefix}<｜fim▁hole｜>${suffix}<｜fim▁end｜>`],
    ['Codestral', `[SUFFIX]${suffix}[PREFIX]${prefix}`],
    ['GLM', `<|code_prefix|>${prefix}<|code_suffix|>${suffix}<|code_middle|>`],
    ['Seed-Coder', `<[fim-prefix]>${prefix}<[fim-suffix]>${suffix}<[fim-middle]>`],
    ['StarCoder, suffix first', `<fim_suffix>${suffix}<fim_prefix>${prefix}<fim_middle>`],
  ];
  for (const [name, prompt] of prompts) {
    it(`of ${name} has its prefix and its suffix`, () => {
      assert.deepEqual(readRawPrompt(prompt), { prefix, suffix, extra: [] });
    });
  }

  for (const layout of LAYOUTS) {
    it(`of ${layout.models} may have nothing around the place`, () => {
      const [first, second] = layout.middle === undefined ? ['suffix', 'prefix'] : ['prefix', 'suffix'];
      const prompt = layout[first as 'prefix'] + layout[second as 'suffix'] + (layout.middle ?? '');
      assert.deepEqual(readRawPrompt(prompt), { prefix: '', suffix: '', extra: [] });
    });
  }

  it('keeps white space and line ends of the parts as they are', () => {
    const parts = { prefix: '\r\n\t if ', suffix: ' \n', extra: [] };
    assert.deepEqual(readRawPrompt(`<PRE> ${parts.prefix} <SUF>${parts.suffix} <MID>`), parts);
  });

  it('may have other files before the place, as Qwen’s has', () => {
    const prompt =
      '<|repo_name|>shapes\n<|file_sep|>pi.py\nPI = 3.14\n\n<|file_sep|>area.py\n' +
      `<|fim_prefix|>${prefix}<|fim_suffix|>${suffix}<|fim_middle|>`;
    assert.deepEqual(readRawPrompt(prompt), {
      prefix,
      suffix,
      extra: ['shapes\n', 'pi.py\nPI = 3.14\n\n', 'area.py\n'],
    });
  });

  it('may have references and an assistant’s turn around it, as CodeGeeX’s has', () => {
    const prompt =
      '<|user|>\n###REFERENCE:\n###PATH:pi.py\nPI = 3.14\n\n###PATH:area.py\n###LANGUAGE:Python\n###MODE:BLOCK\n' +
      `<|code_suffix|>${suffix}<|code_prefix|>${prefix}<|code_middle|><|assistant|>\n`;
    assert.deepEqual(readRawPrompt(prompt), {
      prefix,
      suffix,
      extra: ['###PATH:pi.py\nPI = 3.14\n\n###PATH:area.py\n###LANGUAGE:Python\n###MODE:BLOCK\n'],
    });
  });

  it('may have anything before the place, as that of llama.vscode with OpenAI’s API', () => {
    const prompt = `Context:\n\nPI = 3.14\n<|fim_prefix|>${prefix}<|fim_suffix|>${suffix}<|fim_middle|>`;
    assert.deepEqual(readRawPrompt(prompt), { prefix, suffix, extra: ['Context:\n\nPI = 3.14\n'] });
  });

  it('takes the first of several markers for its own', () => {
    const about = '# ends with <fim_suffix>\n';
    assert.deepEqual(readRawPrompt(`<fim_prefix>${prefix}<fim_suffix>${about}<fim_middle>`), {
      prefix,
      suffix: about,
      extra: [],
    });
  });
});

describe('a raw prompt without them', () => {
  const plain = [
    prefix,
    '',
    `<fim_prefix>${prefix}`,
    `<fim_prefix>${prefix}<fim_suffix>${suffix}`,
    `${prefix}<fim_suffix>${suffix}<fim_middle>`,
    // A source file that speaks of markers is not made of them.
    `const PREFIX = '<fim_prefix>', SUFFIX = '<fim_suffix>', MIDDLE = '<fim_middle>';\n`,
    `[PREFIX]${prefix}[SUFFIX]${suffix}`,
    `print("[SUFFIX]")[PREFIX]`,
    `<PRE>${prefix}<SUF>${suffix}<MID>`,
    `<|fim_prefix|>${prefix}<fim_suffix>${suffix}<｜fim▁end｜>`,
  ];
  for (const prompt of plain) {
    it(`is only to be continued: ${JSON.stringify(prompt).slice(0, 60)}`, () => {
      assert.equal(readRawPrompt(prompt), undefined);
    });
  }
});
