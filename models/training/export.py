#!/usr/bin/env python3
"""Stage 7 of the training recipe: the family as files that ship.

Writes into --to: backbone, draft and adapters as GGUF, family.json, NOTICE.md (of the corpus). Q8_0 is what ships: its
results do not depend on how a prompt is chunked. f16 is for measuring how true the export is, see reference.py.

GGUF is written by llama.cpp's own Python package, which comes inside node-llama-cpp:
    git clone node_modules/node-llama-cpp/llama/gitRelease.bundle .foretype/training/llama.cpp
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import machine  # noqa: F401  first: it sets how threads wait

import numpy as np
import torch

from model import EPSILON, ROPE_BASE, Model, load
from sizes import SIZES
from tokenizer import BOS, END, FILE, MIDDLE, PAD, PREFIX, REPO, SUFFIX, UNKNOWN, WORK

NORMAL, UNKNOWN_TYPE, CONTROL, BYTE = 1, 2, 3, 6
"""GGUF's types of tokens."""

FIM_KEYS = {'pre': PREFIX, 'suf': SUFFIX, 'mid': MIDDLE, 'pad': PAD, 'rep': REPO, 'sep': FILE}


def tokenizer_of(model: Path) -> dict[str, object]:
    """The `tokenizer.ggml.*` entries. User text must never become a control token, nor get a space in front."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    ids = range(processor.get_piece_size())

    def type_of(token: int) -> int:
        if processor.is_unknown(token):
            return UNKNOWN_TYPE
        return CONTROL if processor.is_control(token) else BYTE if processor.is_byte(token) else NORMAL

    return {
        'model': 'llama',
        'pre': 'default',
        'tokens': [processor.id_to_piece(token) for token in ids],
        'scores': [processor.get_score(token) for token in ids],
        'token_type': [type_of(token) for token in ids],
        'bos_token_id': BOS,
        'eos_token_id': END,
        'unknown_token_id': UNKNOWN,
        'eot_token_id': END,
        'add_bos_token': True,
        'add_eos_token': False,
        'add_space_prefix': False,
        **{f'fim_{name}_token_id': token for name, token in FIM_KEYS.items()},
    }


def fingerprint(tokenizer: dict[str, object]) -> str:
    """As the engine computes it (models/src/engine/llama.ts): SHA-256 of the entries as JavaScript writes JSON.

    A difference would be told at the first load, since the engine compares.
    """

    def plain(value: object) -> object:
        if isinstance(value, list):
            return [plain(each) for each in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    entries = [[key, plain(tokenizer[key])] for key in sorted(tokenizer)]
    text = json.dumps(entries, ensure_ascii=False, separators=(',', ':'))
    return hashlib.sha256(text.encode()).hexdigest()


def write_model(path: Path, model: Model, tokenizer: dict[str, object], name: str, half: bool) -> None:
    import gguf

    size = model.size
    file_type = gguf.LlamaFileType.MOSTLY_F16 if half else gguf.LlamaFileType.MOSTLY_Q8_0
    writer = gguf.GGUFWriter(path, 'llama')
    writer.add_name(name)
    writer.add_license('MIT')
    writer.add_context_length(size.context)
    writer.add_embedding_length(size.width)
    writer.add_block_count(len(model.blk))
    writer.add_feed_forward_length(size.feed_forward)
    writer.add_head_count(size.heads)
    writer.add_head_count_kv(size.key_value_heads)
    writer.add_key_length(size.head_width)
    writer.add_value_length(size.head_width)
    writer.add_rope_dimension_count(size.head_width)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(size.vocabulary)
    writer.add_file_type(file_type)
    for key, value in tokenizer.items():
        add = {
            str: writer.add_string,
            bool: writer.add_bool,
            int: writer.add_uint32,
            list: writer.add_array,
        }[type(value)]
        add(f'tokenizer.ggml.{key}', value)
    for tensor, weight in model.state_dict().items():
        values = weight.float().numpy()
        if values.ndim == 1:
            # Norms are small and always kept in 32 bits.
            writer.add_tensor(tensor, values)
        elif half:
            writer.add_tensor(tensor, values.astype(np.float16))
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor, gguf.quants.quantize(values, kind), raw_dtype=kind)
    finish(writer)


def write_adapter(path: Path, name: str, stored: dict) -> None:
    import gguf

    writer = gguf.GGUFWriter(path, 'llama')
    writer.add_name(name)
    writer.add_license('MIT')
    writer.add_string('general.type', 'adapter')
    writer.add_string('adapter.type', 'lora')
    writer.add_float32('adapter.lora.alpha', stored['alpha'])
    for tensor, values in stored['tensors'].items():
        writer.add_tensor(tensor, values.float().numpy())
    finish(writer)


def finish(writer) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def described(path: Path) -> dict[str, object]:
    data = path.read_bytes()
    return {'file': path.name, 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest()}


def export(out: Path, to: Path, notice: Path, name: str, half: bool) -> None:
    to.mkdir(parents=True, exist_ok=True)
    kind = 'f16' if half else 'q8_0'
    tokenizer = tokenizer_of(out / 'tokenizer.model')
    backbone, draft = load(out / 'backbone.pt'), load(out / 'draft.pt')
    write_model(to / f'backbone.{kind}.gguf', backbone, tokenizer, f'{name} backbone', half)
    write_model(to / f'draft.{kind}.gguf', draft, tokenizer, f'{name} draft', half)
    shutil.copyfile(notice, to / 'NOTICE.md')
    adapters = sorted(path for path in (out / 'adapters').glob('*.pt') if not path.stem.endswith('-checkpoint'))
    for adapter in adapters:
        write_adapter(to / f'adapter-{adapter.stem}.gguf', adapter.stem, torch.load(adapter))
    manifest = {
        'format': 1,
        'id': name,
        'licence': 'MIT',
        'context': backbone.size.context,
        'tokenizer': {'fingerprint': fingerprint(tokenizer), 'bos': BOS, 'end': [END, *FIM_KEYS.values()]},
        'fim': {'prefix': PREFIX, 'suffix': SUFFIX, 'middle': MIDDLE, 'order': 'joined'},
        # What the corpus is made of, and what has it inside or reads like it.
        'languages': [
            *('typescript', 'typescriptreact', 'javascript', 'javascriptreact'),
            *('vue', 'svelte', 'astro', 'json', 'jsonc'),
        ],
        # What comes after its first line is rarely worth reading.
        'extent': 'line',
        'backbone': described(to / f'backbone.{kind}.gguf'),
        'draft': described(to / f'draft.{kind}.gguf'),
        'adapters': [
            {'name': adapter.stem, 'licence': 'MIT', **described(to / f'adapter-{adapter.stem}.gguf')} for adapter in adapters
        ],
        'notices': [described(to / 'NOTICE.md')],
    }
    (to / 'family.json').write_text(json.dumps(manifest, indent=2) + '\n')


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', choices=SIZES, required=True)
    parser.add_argument('--name', default='foretype-small', help="the family's id")
    parser.add_argument('--to', type=Path, required=True, help='directory of the family')
    parser.add_argument('--half', action='store_true', help='f16 instead of Q8_0')
    parser.add_argument('--notice', type=Path, default=WORK / 'corpus' / 'NOTICE.md')
    parser.add_argument('--llama', type=Path, default=WORK / 'llama.cpp', help='the clone that holds gguf-py')
    parser.add_argument('--out', type=Path, help='holds what training wrote; default: .foretype/training/SIZE')
    options = parser.parse_args(arguments)
    out = options.out or WORK / options.size
    needed = (out / 'tokenizer.model', out / 'backbone.pt', out / 'draft.pt', options.notice, options.llama)
    missing = [path for path in needed if not path.exists()]
    if missing:
        print(f'There is no {missing[0]}; see the README for the stage that makes it.', file=sys.stderr)
        return 1
    sys.path.insert(0, str(options.llama / 'gguf-py'))
    export(out, options.to, options.notice, options.name, options.half)
    return 0


if __name__ == '__main__':
    sys.exit(main())
