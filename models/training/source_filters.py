"""What counts as original, hand-written TypeScript or JavaScript.

Pure functions over paths and texts: no files, no network, no clock. `corpus.py` applies them to whole packages and
`test_corpus.py` holds them. Every refusal has a short name, so that the manifest can say how much each rule took.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable

MIN_BYTES = 200
"""Below this a file is a re-export or a stub: nothing to complete."""
MAX_BYTES = 400_000
"""Above this a file is a table, a bundle, or would outweigh a hundred ordinary ones."""
MAX_LINE = 1500
MAX_MEAN_LINE = 80
TYPESCRIPT_PREVAILS = 40_000
"""Bytes of TypeScript from which a package counts as a TypeScript package, whose loose JavaScript is compiler output."""

_PERMISSIVE = {'mit', 'isc', 'apache-2.0', 'bsd-2-clause', 'bsd-3-clause', '0bsd'}
_LICENCE_ALIASES = {'apache 2.0': 'apache-2.0', 'apache license 2.0': 'apache-2.0', 'apache2': 'apache-2.0'}

_SOURCE = re.compile(r'\.([mc]?ts|tsx|m?js|jsx)$')
_TYPESCRIPT = re.compile(r'\.([mc]?ts|tsx)$')
_DECLARATION = re.compile(r'\.d(\.[\w-]+)?\.[mc]?ts$')
_BUNDLE = re.compile(
    r'[._-](min|umd|iife|bundle|bundled|global|prod|production\.min)\.[mc]?[jt]s$|(^|/)bundle\.[mc]?[jt]s$', re.I
)
_NOT_CODE = re.compile(r'\.(css|scss|less|svg|html|snap|snapshot|fixture)\.[mc]?[jt]sx?$', re.I)

# What a build writes. A directory of this name *below* `src` is somebody's own word (src/build, src/legacy), above it
# the whole tree is output (dist/src).
_OUTPUT = re.compile(
    r'^(dist([-_.].*)?|dest|build|builds|out|output|_?cjs|_?esm?\d*|esnext|es\d+|esm20\d\d|umd|amd|fesm\d*|bundles?|min|'
    r'legacy|lib-(es\d*|cjs|esm|commonjs|amd)|lib\.(commonjs|esm)|_types|types-legacy|styleguide|\.next|coverage)$',
    re.I,
)
# Somebody else's code, data, or machine-made files: wherever they stand.
_FOREIGN = re.compile(
    r'^(node_modules|third[-_]?party|vendor(s|ed)?|locales?|translations?|l10n|nls|fixtures?|__fixtures__|testdata|'
    r'test-data|generated|__generated__|_generated|gen|codegen-output|snapshots?|__snapshots__|__image_snapshots__|'
    r'cassettes|__recordings__|libs)$',
    re.I,
)
_LANGUAGE_FILE = re.compile(r'(^|/)(i18n|lang|langs|intl|messages)/(.*/)?[a-z]{2,3}([-_][A-Za-z]{2,4})?\.[mc]?[jt]s$')

_SOURCE_DIRECTORY = re.compile(r'^(source|lib)/|(^|/)src/', re.I)

_GENERATED = re.compile(
    r'auto[- ]?generated|automatically[- ](generated|created)|@generated|do not (edit|modify|change this file)|'
    r'(file|code|module) (is |was |has been )?(auto)?generated|^\W*generated (by|from|using|with) ',
    re.I | re.M,
)
# Traces that only a compiler or bundler leaves, as *definitions or calls* of its helpers: tools such as webpack and
# eslint mention `__esModule` in honest source, so the bare word proves nothing.
_COMPILED = re.compile(
    r'''Object\.defineProperty\(exports,\s*['"]__esModule|exports\.__esModule\s*=|'''
    r'''(var|const|let) __(awaiter|extends|decorate|importDefault|importStar|createBinding|exportStar|rest|assign|'''
    r'''spreadArray|generator|classPrivateFieldGet|classPrivateFieldSet|publicField|defProp|commonJS|esDecorate)\b|'''
    r'''(require\(|from )['"](tslib|@babel/runtime[^'"]*|@swc/helpers[^'"]*)['"]|_interopRequire(Default|Wildcard)\(|'''
    r'''_createClass\(|_classCallCheck\(|_inheritsLoose\(|regeneratorRuntime|__webpack_require__\(|'''
    r'''//[#@] sourceMappingURL=|_jsxs?\(|React\.createElement\(_'''
)
_SOURCE_MAP = re.compile(r'\n?[ \t]*//[#@] sourceMappingURL=[^\n]*')

_SECRET = re.compile(
    r'-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abps]-[0-9A-Za-z-]{20,}|'
    r'\bsk_live_[0-9A-Za-z]{16,}|\bAIza[0-9A-Za-z_-]{35}\b|\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}'
)
_ENCODED = re.compile(r'[A-Za-z0-9+/=_-]{240,}')
_OTHER_LICENCE = re.compile(
    r'\b(A|L)?GPL\b|GNU (Lesser|Affero|General|Library)|Mozilla Public|\bMPL[- ]?[12]|Eclipse Public|\bEPL-|'
    r'Creative Commons|\bCC[- ]BY|Business Source|Elastic License|Server Side Public|SEE LICENSE IN|'
    r'Unauthorized copying|Confidential and Proprietary',
)

_LEADING_COMMENT = re.compile(r'\s*(/\*.*?\*/|(?:[ \t]*//[^\n]*(?:\n|\Z))+)', re.S)
_LICENCE_WORDS = re.compile(
    r'copyright|\(c\) ?\d|©|licen[sc]e[ds]?\b(?! (key|manager|plate))|SPDX|all rights reserved', re.I
)
_COPYRIGHT_LINE = re.compile(r'^.*?((?:portions )?(?:copyright|\(c\) ?(?=\d)|©).*)$', re.I | re.M)
_STRING = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""")


def licence_is_permissive(expression: str) -> bool:
    """True where an SPDX expression offers a permissive choice: one alternative of OR whose parts of AND all are."""
    plain = expression.replace('(', ' ').replace(')', ' ')

    def known(name: str) -> bool:
        name = ' '.join(name.lower().split())
        return _LICENCE_ALIASES.get(name, name) in _PERMISSIVE

    return any(all(known(part) for part in re.split(r'\s+AND\s+', choice)) for choice in re.split(r'\s+OR\s+', plain))


def is_source(path: str) -> bool:
    """True for an extension that holds TypeScript or JavaScript text."""
    return _SOURCE.search(path) is not None


def is_typescript(path: str) -> bool:
    """True for .ts, .mts, .cts and .tsx (declarations too: the path rules drop those)."""
    return _TYPESCRIPT.search(path) is not None


def path_refusal(path: str) -> str | None:
    """Why a file is not original source as far as its path shows, or None."""
    if _DECLARATION.search(path):
        return 'declaration'
    if _BUNDLE.search(path):
        return 'bundle'
    if _NOT_CODE.search(path):
        return 'not code'
    *directories, _ = path.split('/')
    if any(_FOREIGN.match(name) for name in directories):
        return 'vendored, generated or fixture'
    if _LANGUAGE_FILE.search(path):
        return 'locale'
    above_source = directories[: directories.index('src')] if 'src' in directories else directories
    if any(_OUTPUT.match(name) for name in above_source):
        return 'output directory'
    return None


def choose_language(paths: Iterable[str], sizes: dict[str, int], everything: Iterable[str]) -> dict[str, str]:
    """Refusals (path → reason) of the JavaScript that a package's TypeScript was compiled to.

    `paths` have passed `path_refusal`; `everything` is every path of the package, because a `.js.map` tells a compiled
    file from a written one. In a TypeScript package only JavaScript below `src` without a twin is taken for written;
    in a JavaScript package the source directories are preferred, for the rest is mostly builds and examples.
    """
    paths = list(paths)
    everything = set(everything)
    refused: dict[str, str] = {}
    typescript = {path for path in paths if is_typescript(path)}
    scripts = [path for path in paths if path not in typescript]
    stems = {_TYPESCRIPT.sub('', path) for path in everything if is_typescript(path) and not _DECLARATION.search(path)}
    typescript_bytes, script_bytes = (sum(sizes[path] for path in some) for some in (typescript, scripts))
    # A build of the sources is about their size; far more JavaScript than that was written (types tests, one tool).
    prevails = typescript_bytes > TYPESCRIPT_PREVAILS and typescript_bytes * 4 > script_bytes
    in_source = {path for path in scripts if _SOURCE_DIRECTORY.search(path)}
    # Only where most of it stands there: ol keeps its sources at the top and a few more below `src`.
    has_source_directory = sum(sizes[path] for path in in_source) * 2 > script_bytes
    for path in scripts:
        if _SOURCE.sub('', path) in stems:
            refused[path] = 'javascript beside its typescript'
        elif path + '.map' in everything:
            refused[path] = 'compiler output'
        elif prevails and not re.search(r'(^|/)src/', path):
            refused[path] = 'javascript of a typescript package'
        elif not prevails and has_source_directory and path not in in_source:
            refused[path] = 'outside the source directories'
    return refused


def text_refusal(path: str, text: str) -> str | None:
    """Why a text is not original, readable, harmless source, or None. Expects `\\n` line ends."""
    size = len(text.encode())
    if size < MIN_BYTES:
        return 'too small'
    if size > MAX_BYTES:
        return 'too big'
    lines = text.split('\n')
    if max(map(len, lines)) > MAX_LINE:
        return 'long line'
    if len(text) / len(lines) > MAX_MEAN_LINE:
        return 'minified'
    if '\ufffd' in text or '\0' in text:
        return 'encoding'
    if _GENERATED.search(text[:600]):
        return 'generated'
    if not is_typescript(path) and _COMPILED.search(text):
        return 'compiler output'
    if _SECRET.search(text):
        return 'secret'
    # Digits tell data from rulers (------) and from names as long as TypeScript's diagnostics.
    if any(sum(map(str.isdigit, run.group())) > 0.04 * len(run.group()) for run in _ENCODED.finditer(text)):
        return 'encoded data'
    if _OTHER_LICENCE.search(text[:2500]):
        return 'other licence'
    return 'data' if _is_data(text) else None


def _is_data(text: str) -> bool:
    """True for tables in the clothes of code: few letters, many digits, mostly literals, or endlessly repeated."""
    head = text[:50_000]
    size = len(head)
    if sum(c.isalpha() or c in ' \n\t' for c in head) / size < 0.60:
        return True
    if sum(c.isdigit() for c in head) / size > 0.15:
        return True
    if sum(not c.isascii() for c in head) / size > 0.10:
        return True
    if size < 2000:
        return False
    literals = sum(match.end() - match.start() for match in _STRING.finditer(head))
    solid = size - sum(c in ' \n\t' for c in head)
    if literals / solid > 0.60:
        return True
    return len(zlib.compress(head.encode(), 6)) / len(head.encode()) < 0.07


def strip_notices(text: str) -> tuple[str, list[str]]:
    """The text without its leading licence comments and source-map trailer, and the copyright lines these held.

    A model that saw the same forty words ten thousand times would offer them in every empty file. The lines go to
    NOTICE.md instead. Other leading comments (a shebang, a lint directive, the file's own description) stay.
    """
    kept: list[str] = []
    copyrights: list[str] = []
    rest = text
    while (match := _LEADING_COMMENT.match(rest)) is not None:
        comment = match.group(0)
        rest = rest[match.end() :]
        if _LICENCE_WORDS.search(comment):
            copyrights += copyright_lines(comment)
            rest = rest.lstrip('\n')
        else:
            kept.append(comment)
    body = _SOURCE_MAP.sub('', ''.join(kept) + rest).lstrip('\n')
    return body.rstrip() + '\n', copyrights


def copyright_lines(text: str) -> list[str]:
    """The lines of a licence text or comment that name a holder, in order, each once."""
    found: dict[str, None] = {}
    for match in _COPYRIGHT_LINE.finditer(text):
        line = ' '.join(match.group(1).split()).strip('*/ ')
        names_holder = re.search(r'\d{4}|copyright (\(c\)|©|by)|^©|\(c\)|\b(inc|ltd|llc)\b|all rights reserved', line, re.I)
        if names_holder and len(line) < 200 and not re.search(r'\[yyyy\]|\{yyyy\}|copyright notice|<year>', line, re.I):
            found[line] = None
    return list(found)


class Seen:
    """Remembers accepted texts and refuses what repeats them.

    Exact copies are found by a hash free of white space; near copies by the share of 4-line shingles already seen.
    Hold held-out packages against it first: a training file may repeat much less of those, or the evaluation would
    measure memory. Hashes are BLAKE2, not Python's own, which differ from run to run.
    """

    NEAR = 0.5
    NEAR_HELD_OUT = 0.2

    def __init__(self) -> None:
        self._exact: set[bytes] = set()
        self._shingles: set[int] = set()
        self._held_out: set[int] = set()

    def refusal(self, text: str, held_out: bool) -> str | None:
        """Why the text repeats earlier ones, or None, in which case it is remembered."""
        whole = hashlib.blake2b(''.join(text.split()).encode(), digest_size=16).digest()
        if whole in self._exact:
            return 'copy'
        shingles = _shingles(text)
        if len(shingles & self._shingles) > self.NEAR * len(shingles):
            return 'near copy'
        if not held_out and len(shingles & self._held_out) > self.NEAR_HELD_OUT * len(shingles):
            return 'near copy of held-out code'
        self._exact.add(whole)
        self._shingles |= shingles
        if held_out:
            self._held_out |= shingles
        return None


def _shingles(text: str) -> set[int]:
    """64-bit hashes of every four neighbouring lines of more than 12 characters, indentation aside."""
    lines = [line for line in (raw.strip() for raw in text.split('\n')) if len(line) > 12]
    return {
        int.from_bytes(hashlib.blake2b('\n'.join(lines[at : at + 4]).encode(), digest_size=8).digest(), 'little')
        for at in range(max(1, len(lines) - 3))
    }
