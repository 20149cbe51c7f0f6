#!/usr/bin/env python3
"""Writes evaluation/heldout.json: which files the evaluation may read, and which of them an adapter may learn from.

The evaluation has the held-out packages from npm, as the lockfile pins them, and knows nothing of the corpus's filters.
This command tells it, for every held-out file of corpus.jsonl, where in the npm file the corpus text stands:

  {"packages": [{"name", "version", "files": [{"path", "split", "bytes", "sha256", "slices"}, ...]}, ...]}

With a byte order mark taken off and line ends made `\\n`, the text is the slices, [from, to) in UTF-16 code units, one
after the other, and a line end. `bytes` is its UTF-8 length, `sha256` its hash. `split` is the package's own: adapters
learn from "train" and are measured on "test". Exit status: 0; 1 where a file is not what the corpus says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import corpus

TEST_SHARE = 0.25
"""Share of a package's files that its adapter never sees."""


class HeldOutError(Exception):
    """A corpus text that its archive does not hold; the message is one sentence for the user."""


def split_of(path: str) -> str:
    """"train" or "test" by a hash of the path in its package, so that it stays when files come and go."""
    return 'test' if hashlib.sha256(path.encode()).digest()[0] < TEST_SHARE * 256 else 'train'


def units(text: str) -> int:
    """Length in UTF-16 code units, as JavaScript counts."""
    return len(text.encode('utf-16-le')) // 2


def slices_of(original: str, text: str) -> list[tuple[int, int]] | None:
    """Where `text` without its last line end stands in `original`: one slice, or two around a comment taken out."""
    body = text.removesuffix('\n')
    at = original.find(body)
    if at >= 0:
        start = units(original[:at])
        return [(start, start + units(body))]
    head = next((at for at, pair in enumerate(zip(original, body)) if pair[0] != pair[1]), 0)
    rest = original.find(body[head:], head) if head else -1
    if rest < 0:
        return None
    start = units(original[:rest])
    return [(0, units(body[:head])), (start, start + units(body[head:]))]


def facts(rows: Iterable[dict], packages: list[corpus.Package], cache: Path) -> dict:
    """The whole file as a JSON value: packages in the order of packages.txt, files by path."""
    files: defaultdict[str, list[dict]] = defaultdict(list)
    for row in rows:
        files[row['package']].append(row)
    described = []
    for package in packages:
        archive = corpus.read_archive(package, cache / package.archive)
        listed = [describe(package, archive, row) for row in sorted(files[package.name], key=lambda row: row['path'])]
        described.append({'name': package.name, 'version': package.version, 'files': listed})
    return {'packages': described}


def describe(package: corpus.Package, archive: corpus.Archive, row: dict) -> dict:
    """The entry of one file."""
    path, data = row['path'], row['text'].encode()
    original = archive.sources.get(path, b'').decode('utf-8-sig').replace('\r\n', '\n').replace('\r', '\n')
    slices = slices_of(original, row['text'])
    if slices is None:
        raise HeldOutError(f'{package.name}: the archive in the cache does not hold the corpus text of {path}.')
    digest = hashlib.sha256(data).hexdigest()
    return {'path': path, 'split': split_of(path), 'bytes': len(data), 'sha256': digest, 'slices': slices}


def render(value: dict) -> str:
    """JSON with one line for a file, so that a change can be read as a difference of lines."""

    def line(entry: dict) -> str:
        return json.dumps(entry, ensure_ascii=False, separators=(',', ':'))

    packages = [
        f'{{"name":{json.dumps(package["name"])},"version":{json.dumps(package["version"])},"files":[\n'
        + ',\n'.join(map(line, package['files']))
        + '\n]}'
        for package in value['packages']
    ]
    return '{"packages":[\n' + ',\n'.join(packages) + '\n]}\n'


def main(arguments: list[str] | None = None) -> int:
    work = corpus.REPOSITORY / '.foretype' / 'training'
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--corpus', type=Path, default=work / 'corpus', metavar='DIR', help='directory of corpus.jsonl')
    parser.add_argument('--cache', type=Path, default=work / 'cache', metavar='DIR', help='archives it was made from')
    parser.add_argument('--out', type=Path, default=corpus.REPOSITORY / 'evaluation' / 'heldout.json', metavar='FILE')
    options = parser.parse_args(arguments)
    listed = corpus.read_packages(corpus.PACKAGES.read_text(encoding='utf-8'))
    try:
        with (options.corpus / 'corpus.jsonl').open(encoding='utf-8') as lines:
            rows = [row for row in map(json.loads, lines) if row['split'] == 'heldout']
        value = facts(rows, [package for package in listed if package.held_out], options.cache)
    except (HeldOutError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    options.out.write_text(render(value), encoding='utf-8')
    for package in value['packages']:
        tests = [file for file in package['files'] if file['split'] == 'test']
        size = sum(file['bytes'] for file in tests)
        print(f'{package["name"]:28}{len(package["files"]):5} files, {len(tests):3} of them test, {size / 1000:.0f} kB')
    return 0


if __name__ == '__main__':
    sys.exit(main())
