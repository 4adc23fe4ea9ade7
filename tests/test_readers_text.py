"""Trees in brackets and in Newick's format: what is read, and where errors are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import chain, trees

from sk_autoenc import from_bracketed, from_newick, node_labels, read_tree

WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=3)
NAMES = st.text(st.characters(exclude_categories=["C"]), max_size=4)


def in_brackets(tree, label="X"):
    if isinstance(tree, tuple):
        return f"({label} {' '.join(in_brackets(child, label) for child in tree)})"
    return "".join("\\" + c if c in "()\\/*" else c for c in tree)


def in_newick(tree):
    if isinstance(tree, tuple):
        return f"({','.join(map(in_newick, tree))})inner:1.5"
    return "'" + tree.replace("'", "''") + "'[a comment]:2e-3"


def depth_of(tree):
    depth = 0
    while isinstance(tree, tuple):
        tree, depth = tree[0], depth + 1
    return depth


@given(trees(WORDS).filter(lambda tree: isinstance(tree, tuple)))
def test_brackets_are_read_back(tree):
    assert from_bracketed(in_brackets(tree)) == tree


@given(trees(NAMES))
def test_newick_is_read_back(tree):
    assert from_newick(in_newick(tree) + ";") == tree


def test_white_space_does_not_matter():
    text = "\n ( S\n\t(NP the\n cat )(VP sat) ) \n"
    assert from_bracketed(text) == (("the", "cat"), ("sat",))
    assert from_newick(" ( a ,\n b : 1 ) ; \n") == ("a", "b")


def test_the_treebanks_outer_bracket_is_a_node_without_label():
    text = "( (S (NP it) (VP works)) )"
    assert from_bracketed(text) == ((("it",), ("works",)),)
    assert from_bracketed(text, place_label="first_leaf") == (
        ("S", ("NP", "it"), ("VP", "works")),
    )
    assert node_labels(text) == [None, "S", "NP", None, "VP", None]


def test_codes_of_brackets_are_brackets():
    text = "(S -LRB- a\\ b -RRB- 1\\/2 \\*T\\* \\( \\\\ C:\\dir -LCB- -RSB-)"
    assert from_bracketed(text) == tuple("(,a b,),1/2,*T*,(,\\,C:\\dir,{,]".split(","))


def test_labels_of_sentiment_are_in_preorder():
    text = "(3 (2 It) (4 (2 's) (4 good)))"
    assert from_bracketed(text) == (("It",), (("'s",), ("good",)))
    assert node_labels(text) == ["3", "2", None, "4", "2", None, "4", None]


def test_words_have_no_labels_to_stand_beside_them():
    assert from_bracketed("(S a b)", place_label="only_leaves") == ("a", "b")
    assert from_newick("(a,b)S;", place_label="only_leaves") == ("a", "b")


def test_names_inside_are_labels():
    text = "((cat:1,'sea lion':2)95:0.1,mouse)'it''s';"
    assert from_newick(text) == (("cat", "sea lion"), "mouse")
    assert from_newick(text, place_label="first_leaf") == (
        "it's",
        ("95", "cat", "sea lion"),
        "mouse",
    )
    assert node_labels(text) == ["it's", "95", "cat", "sea lion", "mouse"]


def test_comments_are_left_out_wherever_they_stand():
    text = "[&R] (a[x [in] y],[;]b[(]:[1]0.5)[),(] ;[end]"
    assert from_newick(text) == ("a", "b")


def test_names_may_be_missing():
    assert from_newick("(,(,));") == ("", ("", ""))
    assert from_newick("a;") == "a"


def test_an_underscore_stays():
    assert from_newick("(Homo_sapiens,b);") == ("Homo_sapiens", "b")


@pytest.mark.parametrize("read", [from_bracketed, read_tree])
def test_brackets_a_hundred_thousand_deep_are_read(read):
    assert depth_of(read("(X " * 100_000 + "a" + ")" * 100_000)) == 100_000


@pytest.mark.parametrize("read", [from_newick, read_tree])
def test_newick_a_hundred_thousand_deep_is_read(read):
    assert depth_of(read("(" * 100_000 + "a" + ",b)" * 100_000 + ";")) == 100_000


def test_read_tree_reads_strings():
    assert read_tree("(S a (B b))") == ("a", ("b",))
    assert read_tree("(a,(b,c));") == ("a", ("b", "c"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1, column 1: expected '\(', got the text ends"),
        ("cat", r"line 1, column 1: expected '\(', got 'cat'"),
        (") (", r"line 1, column 1: expected '\(', got '\)'"),
        ("()", r"line 1, column 2: expected a label: a word or '\(', got '\)'"),
        (
            "(S\n  (NP))",
            r"line 2, column 6: expected a child: a word or '\(', got '\)'",
        ),
        (
            "(S (NP a\n",
            r"line 1, column 9: expected '\)', which closes the '\(' at line 1, "
            "column 4, got the text ends",
        ),
        ("(S a))", r"line 1, column 6: expected the end of the text, got '\)'"),
        ("(S a) b", "line 1, column 7: expected the end of the text, got 'b'"),
        (
            "(S a)\n(S b)",
            r"line 2, column 1: a second tree begins, .* one tree, .*splitlines\(\)\]",
        ),
    ],
)
def test_wrong_brackets_are_named_with_line_and_column(text, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        from_bracketed(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1, column 1: expected a tree: '\(' or a name, got the text ends"),
        ("(a,b)", "line 1, column 6: expected ';', got the text ends"),
        ("(a,b", r"line 1, column 5: expected ',' or '\)', got the text ends"),
        (
            "(a b);",
            "line 1, column 4: .* or ';' .quote names that have spaces., got 'b'",
        ),
        ("(a,\nb:x);", "line 2, column 3: expected a number, .* branch, got 'x'"),
        ("(a:'1');", "line 1, column 4: expected a number"),
        ("(a,b));", r"line 1, column 6: expected ';', got '\)'"),
        (
            "(a,b;",
            r"line 1, column 5: expected '\)', which closes the '\(' at line 1, c",
        ),
        ("(a(b));", r"line 1, column 3: expected ',' or '\)', got '\('"),
        ("a,b;", "line 1, column 2: expected ';', got ','"),
        ("(\n'a,b);", "line 2, column 1: the quote that begins a name here is never c"),
        (
            "('a,b);",
            'line 1, column 2: .* never closed. Put "\'" at the end of the name',
        ),
        ("]a;", r"line 1, column 1: expected '\(', .* or a name, got '\]'"),
        (
            "(a[x,b);",
            r"line 1, column 9: expected '\]', .* comment at line 1, column 3",
        ),
        ("(a,b); (c);", "line 1, column 8: a second tree begins, .* from_newick reads"),
    ],
)
def test_wrong_newick_is_named_with_line_and_column(text, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        from_newick(text)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("(cat, dog)", 5),
        ("((cat, dog), mouse)", 6),
        ("(cat,(dog, mouse))", 5),
        ("(cat, sea lion)", 5),
        ("(cat,dog, mouse)", 9),
        ("(cat:0.1, dog:0.2)root", 9),
        ("('sea lion', cat)", 12),
        ("('sea lion':1.5,cat mouse)", 16),
        ("( ( cat,\n dog ), mouse)", 8),
    ],
)
@pytest.mark.parametrize("read", [from_bracketed, read_tree])
def test_newick_without_its_end_is_not_read_as_brackets(read, text, column):
    message = rf"line 1, column {column}: .* Newick.* ends with ';'"
    with pytest.raises(ValueError, match=f"^{message}"):
        read(text)


@pytest.mark.parametrize("text", ["(cat,dog)", "((cat,dog),mouse)", "(cat:1,dog:2)"])
def test_newick_without_its_end_nor_spaces_is_told_what_ends_it(text):
    with pytest.raises(ValueError, match=r"expected a child: .* ends with ';'"):
        read_tree(text)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("(sea lion, mouse)", 10),
        ("(sea lion,(dog cat))", 10),
        ("((dog cat), mouse)", 11),
        ("((dog cat),(a b))", 11),
        ("(big sea lion,\n mouse)", 14),
    ],
)
def test_newick_with_several_words_in_a_name_is_not_guessed_to_be_in_brackets(
    text, column
):
    message = f"^line 1, column {column}: got a comma .* ends with ';'.* from_bracketed"
    with pytest.raises(ValueError, match=message):
        read_tree(text)


def test_commas_are_words_of_trees_in_brackets():
    text = "(S , (NP (DT DT) (CD 1,000)) (X yes,))"
    assert read_tree(text) == (",", (("DT",), ("1,000",)), ("yes,",))
    assert read_tree("(S (, ,) (NP it))") == from_bracketed("(S (, ,) (NP it))")
    assert read_tree("(S ($, ,) (NN a))") == ((",",), ("a",))


def test_labels_of_commas_are_labels():
    assert from_bracketed("(S (, ,) (NP it))") == ((",",), ("it",))
    assert from_bracketed("(, ,)") == (",",)
    assert from_bracketed("($, ,)") == (",",)
    assert from_bracketed("(S ($, ,) (NN a))") == ((",",), ("a",))
    assert from_bracketed("('' '')") == ("''",)
    assert from_bracketed("(S , it runs)") == (",", "it", "runs")
    assert from_bracketed("(S yes, it runs)") == ("yes,", "it", "runs")
    assert from_bracketed("(NP,VP (DT a))") == (("a",),)


@pytest.mark.parametrize("read", [from_bracketed, from_newick])
@pytest.mark.parametrize("text", [b"(S a)", ["(S a)"], None, chain(2, "a")])
def test_what_is_no_string_is_a_type_error(read, text):
    with pytest.raises(
        TypeError, match=f"{read.__name__} reads a string, got '{type(text).__name__}'"
    ):
        read(text)


@pytest.mark.parametrize(
    ("read", "text"), [(from_bracketed, "(S a)"), (from_newick, "(a);")]
)
def test_an_unknown_place_of_labels_lists_those_there_are(read, text):
    with pytest.raises(
        ValueError, match="'drop', 'first_leaf', 'only_leaves'; got 'x'"
    ):
        read(text, place_label="x")
