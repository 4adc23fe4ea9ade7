"""From a text to nodes: brackets as in the Penn Treebank, and Newick."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

BRACKETED = re.compile(r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<word>(?:\\.|[^\s()])+))")
NEWICK = re.compile(
    r"\s*(?:(?P<sign>[(),:;])|'(?P<quoted>(?:[^']|'')*)'|(?P<comment>\[)"
    r"|(?P<word>[^\s()\[\]',:;]+))"
)
NAME_WITH_COMMA = re.compile(
    r"[\s(]*+(?P<name>'(?:[^']|'')*'(?::[^\s(),]*)?(?=,)"
    r"|[^\s()',][^\s()']*(?=,(?:\s+[^\s,)]|\()))"
)
"""A first name, quoted or not, with a comma at its end: no label in brackets, but for
that of a comma, as in ``($, ,)``."""
COMMA_AFTER_NAME = re.compile(r"[^\s(,](?P<comma>,)(?=\s*\(|\s+[^\s,)])")
"""A comma after a name or a bracket, and another name or bracket after it: in brackets
a sentence whose words were not parted from their commas, but more often Newick."""
ENDS_NEWICK = (
    "Newick, whose names have commas after them, ends with ';': put it at the end of "
    "the text if it is that; in brackets, put a space before the comma"
)
CODES = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
}
"""What the Penn Treebank writes for brackets that are words."""


class Written(NamedTuple):
    """A node as it stands in a text."""

    label: str | None
    children: "list[Written]"
    start: int
    """Where in the text."""


class Token(NamedTuple):
    """A piece of a text."""

    kind: str
    text: str
    start: int


def label_of_inner(node: Written) -> str | None:
    """Give the label of a node with children; a word is no label."""
    return (node.label or None) if node.children else None


def parse_bracketed(text: str) -> Written:
    """Parse a tree in brackets; see `from_bracketed`."""
    _check_text(text, "from_bracketed")
    _refuse_newick(text)
    tokens = _tokens(BRACKETED, text)
    token = next(tokens)
    if token.kind != "open":
        _refuse(text, token, "'('")
    above = Written(None, [], 0)
    way, after_bracket = [above], False
    while True:
        if token.kind == "open":
            node = Written(None, [], token.start)
            way[-1].children.append(node)
            way.append(node)
        elif token.kind == "word" and after_bracket:
            way[-1] = way[-2].children[-1] = way[-1]._replace(label=_word(token))
        elif token.kind == "word":
            way[-1].children.append(Written(_word(token), [], token.start))
        elif token.kind == "close":
            if not way[-1].children:
                label = way[-1].label
                what = "a label" if label is None else "a child"
                hint = f". {ENDS_NEWICK}" if "," in (label or "").strip(",") else ""
                _refuse(text, token, f"{what}: a word or '('", hint)
            way.pop()
        else:
            opened = _line_and_column(text, way[-1].start)
            _refuse(text, token, f"')', which closes the '(' at {opened}")
        after_bracket, token = token.kind == "open", next(tokens)
        if len(way) == 1:
            break
    _check_end(text, token, "from_bracketed", token.kind == "open")
    return above.children[0]


def guess_bracketed(text: str) -> Written:
    """Parse a tree of which nobody says that it is in brackets, and not in Newick's."""
    _refuse_newick(text)
    match = COMMA_AFTER_NAME.search(text)
    if match:
        where = _line_and_column(text, match.start("comma"))
        raise ValueError(
            f"{where}: got a comma right after a name or ')'. {ENDS_NEWICK}, or use "
            "from_bracketed"
        )
    return parse_bracketed(text)


def _refuse_newick(text: str) -> None:
    """Refuse Newick without its end, which would be read as labels and words."""
    match = NAME_WITH_COMMA.match(text)
    if match:
        label = f"a label, got {match['name']!r} with a comma at its end"
        where = _line_and_column(text, match.end())
        raise ValueError(f"{where}: expected {label}. {ENDS_NEWICK}")


def _word(token: Token) -> str:
    """Give a word without its escapes."""
    return CODES.get(token.text) or re.sub(r"\\([()\\/*\s])", r"\1", token.text)


def parse_newick(text: str) -> Written:
    """Parse a tree in Newick's format; see `from_newick`."""
    _check_text(text, "from_newick")
    tokens = _tokens(NEWICK, text)
    above = Written(None, [], 0)
    way = [above]
    token = next(tokens)
    if token.kind == "end":
        _refuse(text, token, "a tree: '(' or a name")
    while True:
        while token.text == "(" and token.kind == "sign":
            node = Written("", [], token.start)
            way[-1].children.append(node)
            way.append(node)
            token = next(tokens)
        start = token.start
        name, token = _name(text, token, tokens)
        way[-1].children.append(Written(name, [], start))
        while token.text == ")" and token.kind == "sign" and len(way) > 1:
            way.pop()
            name, token = _name(text, next(tokens), tokens)
            node = way[-1].children[-1]
            way[-1].children[-1] = node._replace(label=name)
        if token.kind != "sign" or token.text != "," or len(way) == 1:
            break
        token = next(tokens)
    if token.kind != "sign" or token.text != ";":
        _refuse(text, token, "',' or ')'" if len(way) > 1 else "';'")
    if len(way) > 1:
        opened = _line_and_column(text, way[-1].start)
        _refuse(text, token, f"')', which closes the '(' at {opened}")
    token = next(tokens)
    _check_end(text, token, "from_newick", token.kind != "end")
    return above.children[0]


def _name(text: str, token: Token, tokens: Iterator[Token]) -> tuple[str, Token]:
    """Read a name and the length of its branch, where they are; give what follows."""
    name = ""
    if token.kind in ("word", "quoted"):
        name, token = token.text.replace("''", "'"), next(tokens)
    if token.kind in ("word", "quoted"):
        _refuse(text, token, "',', ')', ':' or ';' (quote names that have spaces)")
    if token.text == ":" and token.kind == "sign":
        token = next(tokens)
        try:
            float(token.text if token.kind == "word" else "")
        except ValueError:
            _refuse(text, token, "a number, the length of the branch")
        token = next(tokens)
    return name, token


def _tokens(pattern: re.Pattern[str], text: str) -> Iterator[Token]:
    """Cut a text into its tokens, without comments; the last is its end, for ever."""
    at, end = 0, len(text.rstrip())
    while at < end:
        match = pattern.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            if text[at] == "'":
                raise ValueError(
                    f"{_line_and_column(text, at)}: the quote that begins a name here "
                    'is never closed. Put "\'" at the end of the name, or write "\'\'" '
                    "for one that belongs to it"
                )
            what = "'(', ')', ',', ':', ';' or a name"
            _refuse(text, Token("word", text[at], at), what)
        kind = str(match.lastgroup)
        if kind == "comment":
            at = _end_of_comment(text, match.start(kind))
            continue
        start = match.start(kind) - (kind == "quoted")
        yield Token(kind, match[kind], start)
        at = match.end()
    while True:
        yield Token("end", "", end)


def _end_of_comment(text: str, start: int) -> int:
    """Find where a comment ends; comments may stand in comments."""
    depth = 0
    for match in re.compile(r"[\[\]]").finditer(text, start):
        depth += 1 if match[0] == "[" else -1
        if depth == 0:
            return match.end()
    at = _line_and_column(text, start)
    _refuse(text, Token("end", "", len(text)), f"']', which ends the comment at {at}")


def _check_text(text: Any, function: str) -> None:
    if not isinstance(text, str):
        raise TypeError(
            f"{function} reads a string, got {type(text).__name__!r}; of a list take "
            f"[{function}(text) for text in texts], and bytes need decode()"
        )


def _check_end(text: str, token: Token, function: str, is_tree: bool) -> None:
    """Refuse what stands after the tree."""
    if is_tree:
        raise ValueError(
            f"{_line_and_column(text, token.start)}: a second tree begins, expected "
            f"the end of the text; {function} reads one tree, so split the text "
            f"first: [{function}(line) for line in text.splitlines()], say"
        )
    if token.kind != "end":
        _refuse(text, token, "the end of the text")


def _refuse(text: str, token: Token, expected: str, hint: str = "") -> NoReturn:
    got = "the text ends" if token.start >= len(text.rstrip()) else repr(token.text)
    where = _line_and_column(text, token.start)
    raise ValueError(f"{where}: expected {expected}, got {got}{hint}")


def _line_and_column(text: str, start: int) -> str:
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return f"line {line}, column {column}"
