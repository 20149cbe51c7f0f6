#!/usr/bin/env python3
"""Stage 1 of the training recipe: fetch pinned packages and keep their original TypeScript and JavaScript.

Reads packages.txt, fetches what the cache lacks (npm through `npm pack --ignore-scripts`, Debian through
`apt-get source --download-only` with lists of its own), filters, removes copies, and writes into --out:

  corpus.jsonl    one file per line: {"package", "path", "split": "train" | "heldout", "text"}
  manifest.json   each package with version, licence, SHA-256 of its archive, files and bytes; totals; what was dropped
  NOTICE.md       the attribution that must ship with anything trained on this corpus

The same packages.txt and archives give the same bytes. Stop it at any time: what is fetched stays in the cache, and a
run that finds everything there needs no network. Exit status: 0; 1 when a package is missing, though the others
are written; 2 for a packages.txt that cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import source_filters as filters

APT = Path('/etc/apt')
REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = Path(__file__).with_name('packages.txt')
PACKAGE_CAP = 12_000_000
"""Bytes one package may give, lest its house style become the model's."""
JAVASCRIPT_CAP = 6_000_000
"""The same for its JavaScript: what Foretype completes most is TypeScript."""
SLICE = 300_000
"""Bytes of a piece of a file too big for the filters, in packages marked `slices`."""


class PackagesError(Exception):
    """A line of packages.txt that cannot be understood."""


class FetchError(Exception):
    """A package that could not be fetched; the message is one sentence for the user."""


@dataclass(frozen=True)
class Package:
    """One line of packages.txt."""

    name: str
    version: str
    debian: bool = False
    held_out: bool = False
    slices: bool = False
    paths: tuple[str, ...] = ()

    @property
    def archive(self) -> str:
        """File name in the cache: npm's own, or that of Debian's upstream archive."""
        if self.debian:
            return f'{self.name}_{self.version.rpartition("-")[0]}.orig.tar.xz'
        return f'{self.name.removeprefix("@").replace("/", "-")}-{self.version}.tgz'


@dataclass
class Report:
    """What became of one package, for the manifest and the notice."""

    package: Package
    licence: str = ''
    sha256: str = ''
    bytes: int = 0
    typescript_bytes: int = 0
    files: int = 0
    copyrights: dict[str, None] = field(default_factory=dict)
    notice: str = ''


@dataclass(frozen=True)
class Row:
    """One line of corpus.jsonl."""

    package: str
    path: str
    split: str
    text: str


@dataclass
class Archive:
    """The parts of a package's archive that matter here; paths are relative to the package."""

    sources: dict[str, bytes]
    every_path: list[str]
    licence: str
    author: str
    licence_texts: list[str]
    notice: str


Dropped = Counter[tuple[str, str]]
"""(reason, 'files' or 'bytes') → how much."""
Witness = Callable[[str, str, str | None, str], None]
"""Told of every text judged: package, path, refusal or None, text. For looking at samples."""


# ---- packages.txt


def read_packages(text: str) -> list[Package]:
    """The packages of a packages.txt: `[debian:]name@version [held-out] [slices] [paths=a,b]  # comment`."""
    packages: list[Package] = []
    for number, raw in enumerate(text.splitlines(), 1):
        words = raw.split('#', 1)[0].split()
        if not words:
            continue
        name, at, version = words[0].removeprefix('debian:').rpartition('@')
        if not (name and at and re.match(r'\d', version)):
            raise PackagesError(f'line {number}: expected name@version with a pinned version, got {words[0]!r}.')
        options = dict(word.partition('=')[::2] for word in words[1:])
        if unknown := options.keys() - {'held-out', 'slices', 'paths'}:
            raise PackagesError(f'line {number}: unknown option {sorted(unknown)[0]!r}; use held-out, slices, paths=.')
        packages.append(
            Package(
                name=name,
                version=version,
                debian=words[0].startswith('debian:'),
                held_out='held-out' in options,
                slices='slices' in options,
                paths=tuple(filter(None, options.get('paths', '').split(','))),
            )
        )
    names = Counter(package.name for package in packages)
    if twice := [name for name, count in names.items() if count > 1]:
        raise PackagesError(f'{twice[0]} is listed twice.')
    return packages


# ---- fetching


def fetch_all(packages: list[Package], cache: Path) -> dict[str, str]:
    """Fetches what the cache lacks, one at a time; returns name → sentence for the packages that could not be had."""
    cache.mkdir(parents=True, exist_ok=True)
    wanted = [package for package in packages if not (cache / package.archive).exists()]
    failed: dict[str, str] = {}
    started = time.monotonic()
    for done, package in enumerate(wanted):
        left = time_left(time.monotonic() - started, done, len(wanted))
        print(f'fetch {done + 1}/{len(wanted)} {package.name}@{package.version}{left}', flush=True)
        try:
            (fetch_debian if package.debian else fetch_npm)(package, cache)
        except FetchError as error:
            failed[package.name] = str(error)
            print(f'  {error}', file=sys.stderr, flush=True)
    return failed


def fetch_npm(package: Package, cache: Path) -> None:
    """`npm pack` into a directory beside the goal, then a rename, so that the cache never holds half an archive."""
    name = f'{package.name}@{package.version}'
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        run(['npm', 'pack', '--ignore-scripts', '--loglevel=error', name], Path(scratch), name)
        archives = list(Path(scratch).glob('*.tgz'))
        if len(archives) != 1:
            raise FetchError(f'{name}: npm pack wrote {len(archives)} archives where one was expected.')
        archives[0].rename(cache / package.archive)


def fetch_debian(package: Package, cache: Path) -> None:
    """Fetches a Debian source package with a deb-src list of its own, so that the system's apt is left as it is."""
    name = f'debian:{package.name}={package.version}'
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        root = Path(scratch)
        for directory in ('lists/partial', 'cache/archives/partial', 'parts'):
            (root / directory).mkdir(parents=True)
        lines, stanzas = source_lists(APT)
        (root / 'sources.list').write_text(lines)
        (root / 'parts' / 'debian.sources').write_text(stanzas)
        options = {
            'Dir::Etc::SourceList': root / 'sources.list',
            'Dir::Etc::SourceParts': root / 'parts',
            'Dir::State::Lists': root / 'lists',
            'Dir::Cache': root / 'cache',
            'APT::Sandbox::User': 'root',
        }
        apt = ['apt-get', '-q', *(word for key, value in options.items() for word in ('-o', f'{key}={value}'))]
        run([*apt, 'update'], root, name)
        run([*apt, 'source', '--download-only', f'{package.name}={package.version}'], root, name)
        archive = root / package.archive
        if not archive.exists():
            raise FetchError(f'{name}: apt-get source brought no {package.archive}.')
        archive.rename(cache / package.archive)


def source_lists(apt: Path) -> tuple[str, str]:
    """The machine's own Debian archives, asked for sources: one-line entries, and deb822 stanzas.

    The machine knows the mirror it may use and the key that it trusts; other archives have no business here.
    """
    one_line = [apt / 'sources.list', *sorted((apt / 'sources.list.d').glob('*.list'))]
    entries = [line for file in one_line if file.exists() for line in file.read_text().splitlines()]
    lines = [re.sub(r'^deb\s', 'deb-src ', entry) for entry in entries if re.match(r'deb\s.*debian', entry)]
    texts = [file.read_text() for file in sorted((apt / 'sources.list.d').glob('*.sources'))]
    stanzas = [stanza for text in texts for stanza in re.split(r'\n\s*\n', text) if 'debian' in stanza]
    return (
        ''.join(f'{line}\n' for line in lines),
        '\n\n'.join(re.sub(r'(?m)^Types:.*$', 'Types: deb-src', stanza.strip()) for stanza in stanzas) + '\n',
    )


def run(command: list[str], directory: Path, name: str) -> None:
    """Runs a command silently; its failure is a FetchError with the first telling line of what it said."""
    try:
        subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True, timeout=600)
    except FileNotFoundError:
        raise FetchError(f'{name}: {command[0]} is not installed.') from None
    except subprocess.TimeoutExpired:
        raise FetchError(f'{name}: {command[0]} took more than ten minutes; run again to retry.') from None
    except subprocess.CalledProcessError as error:
        said = [line.strip() for line in (error.stderr or error.stdout or '').splitlines() if line.strip()]
        # npm opens with a bare code and apt with warnings; what a person needs comes after.
        said = [line for line in said if not re.match(r'npm error code|W:|.*complete log', line)] or ['no reason given']
        raise FetchError(f'{name}: {command[0]} failed: {said[0]}') from None


# ---- reading an archive


def read_archive(package: Package, file: Path) -> Archive:
    """Reads sources, licence and notices from an archive without unpacking it to disk."""
    sources: dict[str, bytes] = {}
    every_path: list[str] = []
    manifest: dict = {}
    licence_texts: list[str] = []
    notice = ''
    with tarfile.open(file) as archive:
        for member in archive:
            if not member.isfile():
                continue
            path = member.name.removeprefix('./').partition('/')[2] or member.name
            every_path.append(path)
            lower = path.lower()
            if path == 'package.json':
                manifest = json.loads(contents(archive, member))
            elif re.match(r'(licen[sc]e|copying|copyright)[^/]*$', lower):
                licence_texts.append(contents(archive, member).decode('utf-8', 'replace'))
            elif re.match(r'notice(\.(txt|md))?$', lower):
                notice = contents(archive, member).decode('utf-8', 'replace')
            elif filters.is_source(path):
                sources[path] = contents(archive, member)
    licence = manifest.get('license', manifest.get('licenses', ''))
    if isinstance(licence, list):
        licence = ' OR '.join(part.get('type', '') if isinstance(part, dict) else str(part) for part in licence)
    elif isinstance(licence, dict):
        licence = licence.get('type', '')
    author = manifest.get('author', '')
    author = author.get('name', '') if isinstance(author, dict) else str(author)
    return Archive(sources, every_path, licence, author, licence_texts, notice)


def contents(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """The bytes of a regular file in an archive."""
    stream = archive.extractfile(member)
    return b'' if stream is None else stream.read()


def pieces(package: Package, path: str, text: str) -> Iterator[tuple[str, str]]:
    """The text as it is, or cut at line starts where the package is marked `slices` and the text is too big."""
    if not package.slices or len(text.encode()) <= filters.MAX_BYTES:
        yield path, text
        return
    piece: list[str] = []
    size = number = 0
    for line in text.splitlines(keepends=True):
        if size > SLICE:
            number += 1
            yield f'{path}#{number}', ''.join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line.encode())
    yield f'{path}#{number + 1}', ''.join(piece)


# ---- filtering


def sift(
    package: Package, archive: Archive, report: Report, seen: filters.Seen, dropped: Dropped, witness: Witness
) -> list[Row]:
    """The rows that a package contributes, by path; counts what it drops.

    Files are judged in the order of a hash of their path: a package that meets the cap gives an even sample of itself,
    not the front of its alphabet.
    """
    sizes = {path: len(data) for path, data in archive.sources.items()}

    def drop(path: str, reason: str, size: int, text: str = '') -> None:
        dropped[reason, 'files'] += 1
        dropped[reason, 'bytes'] += size
        witness(package.name, path, reason, text)

    candidates: list[str] = []
    for path in archive.sources:
        outside = package.paths and not any(path.startswith(prefix + '/') for prefix in package.paths)
        reason = 'outside the listed paths' if outside else filters.path_refusal(path)
        if reason:
            drop(path, reason, sizes[path])
        else:
            candidates.append(path)
    # Where paths are listed, somebody has looked: no guess about source directories.
    guessed = filters.choose_language(candidates, sizes, archive.every_path)
    for path, reason in guessed.items():
        if package.paths and reason == 'outside the source directories':
            continue
        drop(path, reason, sizes[path])
        candidates.remove(path)

    rows: list[Row] = []
    for path in sorted(candidates, key=lambda path: hashlib.sha1(path.encode()).digest()):
        javascript = report.bytes - report.typescript_bytes
        if report.bytes >= PACKAGE_CAP or (javascript >= JAVASCRIPT_CAP and not filters.is_typescript(path)):
            drop(path, 'over the cap of a package', sizes[path])
            continue
        try:
            whole = archive.sources[path].decode('utf-8-sig')
        except UnicodeDecodeError:
            drop(path, 'encoding', sizes[path])
            continue
        for name, text in pieces(package, path, whole.replace('\r\n', '\n').replace('\r', '\n')):
            kept, copyrights = filters.strip_notices(text)
            # Judged with its headers on: "generated" and foreign licences stand there. Copies and size without.
            reason = filters.text_refusal(path, text)
            if reason is None and len(kept.encode()) < filters.MIN_BYTES:
                reason = 'too small'
            reason = reason or seen.refusal(kept, package.held_out)
            if reason:
                drop(name, reason, len(text.encode()), text)
                continue
            witness(package.name, name, None, kept)
            report.copyrights.update(dict.fromkeys(copyrights))
            size = len(kept.encode())
            report.files += 1
            report.bytes += size
            report.typescript_bytes += size if filters.is_typescript(path) else 0
            rows.append(Row(package.name, name, 'heldout' if package.held_out else 'train', kept))
    return sorted(rows, key=lambda row: row.path)


def build(
    packages: list[Package], cache: Path, witness: Witness = lambda *_: None
) -> tuple[list[Row], list[Report], dict[str, str], Dropped]:
    """Sifts every archive in the cache, held-out packages first; returns rows, reports, skipped names, drop counts."""
    seen = filters.Seen()
    dropped: Dropped = Counter()
    reports: list[Report] = []
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    order = sorted(packages, key=lambda package: not package.held_out)
    weights = [(cache / p.archive).stat().st_size if (cache / p.archive).exists() else 0 for p in order]
    started = time.monotonic()
    for at, package in enumerate(order):
        if not weights[at]:
            skipped[package.name] = 'not in the cache'
            continue
        file = cache / package.archive
        try:
            archive = read_archive(package, file)
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            skipped[package.name] = f'unreadable archive {file.name} ({error}); delete it and run again'
            continue
        if not filters.licence_is_permissive(archive.licence):
            skipped[package.name] = f'licence {archive.licence or "not declared"!r} is not among the permitted'
            continue
        report = Report(package, archive.licence, hashlib.sha256(file.read_bytes()).hexdigest(), notice=archive.notice)
        for text in archive.licence_texts:
            report.copyrights.update(dict.fromkeys(filters.copyright_lines(text)))
        if not report.copyrights and archive.author:
            report.copyrights[f'Author: {archive.author}'] = None
        rows += sift(package, archive, report, seen, dropped, witness)
        if not report.files:
            skipped[package.name] = 'no original source in its archive'
            continue
        reports.append(report)
        left = time_left(time.monotonic() - started, sum(weights[: at + 1]), sum(weights))
        print(f'{package.name:36}{report.files:6} files {report.bytes / 1e6:7.2f} MB{left}', flush=True)
    return rows, reports, skipped, dropped


# ---- writing


def manifest_of(reports: list[Report], skipped: dict[str, str], dropped: Dropped) -> dict:
    """The manifest as a JSON value; no clock and no machine in it."""

    def total(held_out: bool) -> dict[str, int]:
        of = [report for report in reports if report.package.held_out == held_out]
        return {
            'packages': len(of),
            'files': sum(report.files for report in of),
            'bytes': sum(report.bytes for report in of),
            'typescriptBytes': sum(report.typescript_bytes for report in of),
        }

    return {
        'totals': {'train': total(False), 'heldOut': total(True)},
        'dropped': {
            reason: {'files': dropped[reason, 'files'], 'bytes': dropped[reason, 'bytes']}
            for reason in sorted({reason for reason, _ in dropped})
        },
        'skipped': dict(sorted(skipped.items())),
        'packages': [
            {
                'name': report.package.name,
                'version': report.package.version,
                'from': 'debian' if report.package.debian else 'npm',
                'licence': report.licence,
                'archiveSha256': report.sha256,
                'files': report.files,
                'bytes': report.bytes,
                'typescriptBytes': report.typescript_bytes,
                'heldOut': report.package.held_out,
            }
            for report in sorted(reports, key=lambda report: report.package.name)
        ],
    }


def notice_of(reports: list[Report]) -> str:
    """NOTICE.md: who wrote what the models were trained on, from the licence files and the headers taken off."""
    parts = [
        '# Notice\n\n'
        'The models of this family were trained on source code of the packages below, under the licences named. '
        'Licence headers were removed from the text before training; the copyright lines they held, and those of each '
        "package's licence file, stand here. Packages marked *held out* were used for evaluation only. Texts of the "
        'licences: <https://spdx.org/licenses/>.\n'
    ]
    for report in sorted(reports, key=lambda report: report.package.name):
        mark = ' — *held out*' if report.package.held_out else ''
        lines = [f'## {report.package.name} {report.package.version}{mark}\n', f'Licence: {report.licence}\n']
        lines += [f'- {line}' for line in report.copyrights]
        if report.notice:
            lines += ['\nIts NOTICE file:\n'] + [f'    {line}'.rstrip() for line in report.notice.strip().splitlines()]
        parts.append('\n'.join(lines) + '\n')
    return '\n'.join(parts)


def write(out: Path, rows: list[Row], reports: list[Report], skipped: dict[str, str], dropped: Dropped) -> None:
    """Writes the three files, each under a temporary name first, so that a reader never meets half of one."""
    out.mkdir(parents=True, exist_ok=True)

    def lines() -> Iterator[str]:
        for row in rows:
            yield json.dumps(vars(row), ensure_ascii=False) + '\n'

    manifest = json.dumps(manifest_of(reports, skipped, dropped), indent=2, ensure_ascii=False) + '\n'
    for name, content in (('corpus.jsonl', lines()), ('manifest.json', [manifest]), ('NOTICE.md', [notice_of(reports)])):
        scratch = out / (name + '.part')
        with scratch.open('w', encoding='utf-8', newline='\n') as file:
            file.writelines(content)
        scratch.replace(out / name)


def time_left(elapsed: float, done: float, total: float) -> str:
    """`, about 3 min left`, or nothing before there is anything to judge by."""
    if not done or elapsed < 5:
        return ''
    seconds = elapsed / done * (total - done)
    return f', about {seconds / 60:.0f} min left' if seconds >= 90 else f', about {seconds:.0f} s left'


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default, metavar, meaning in (
        ('--packages', PACKAGES, 'FILE', 'the list'),
        ('--cache', REPOSITORY / '.foretype/training/cache', 'DIR', 'where archives are kept'),
        ('--out', REPOSITORY / '.foretype/training/corpus', 'DIR', 'where the corpus goes'),
    ):
        shown = default.relative_to(REPOSITORY)
        help_text = f'{meaning} (default: {shown} in the repository)'
        parser.add_argument(name, type=Path, default=default, metavar=metavar, help=help_text)
    parser.add_argument('--no-fetch', action='store_true', help='use only what the cache holds')
    options = parser.parse_args(arguments)
    try:
        packages = read_packages(options.packages.read_text(encoding='utf-8'))
    except (PackagesError, OSError) as error:
        print(f'{options.packages}: {error}', file=sys.stderr)
        return 2
    # Absolute, for apt reads relative directories as below /etc/apt.
    cache = options.cache.resolve()
    failed = {} if options.no_fetch else fetch_all(packages, cache)
    rows, reports, skipped, dropped = build(packages, cache)
    skipped.update(failed)
    write(options.out, rows, reports, skipped, dropped)
    for name, reason in sorted(skipped.items()):
        print(f'left out: {name}: {reason}', file=sys.stderr)
    for split, held_out in (('train', False), ('held out', True)):
        size = sum(report.bytes for report in reports if report.package.held_out == held_out)
        typescript = sum(report.typescript_bytes for report in reports if report.package.held_out == held_out)
        print(f'{split}: {size / 1e6:.1f} MB, {typescript / max(1, size):.0%} TypeScript')
    print(f'written to {options.out}')
    return 1 if skipped else 0


if __name__ == '__main__':
    sys.exit(main())
