"""Trees of other libraries, each with its real library and what is odd about it."""

import re
import subprocess
import sys

import numpy as np
import pytest

from sk_autoenc import (
    LeafVectorizer,
    UnfoldingRAETransformer,
    collapse_unary,
    node_labels,
    read_tree,
    tree_from,
)

SENTENCE = "(S (NP (DT the) (NN cat)) (VP sat))"
CONLLU = """\
1\tthe\tthe\tDET\t_\t_\t2\tdet\t_\t_
2\tcat\tcat\tNOUN\t_\t_\t3\tnsubj\t_\t_
3\tsat\tsit\tVERB\t_\t_\t0\troot\t_\t_

"""


def n_nodes(tree):
    return 1 + sum(map(n_nodes, tree)) if isinstance(tree, tuple) else 1


def check(obj, tree, labels):
    """Compare the tree, and the labels that there are; one for each node."""
    assert read_tree(obj) == tree
    found = node_labels(obj)
    assert len(found) == n_nodes(tree)
    assert [label for label in found if label is not None] == labels
    vectorizer = LeafVectorizer().fit([(tree,)])
    assert vectorizer.transform([obj]) == vectorizer.transform([tree])


@pytest.mark.parametrize("kind", ["Tree", "ParentedTree", "ImmutableTree"])
def test_nltk_has_words_below_labels(kind):
    nltk = pytest.importorskip("nltk")
    tree = getattr(nltk, kind).fromstring(SENTENCE)
    check(tree, ((("the",), ("cat",)), ("sat",)), ["S", "NP", "DT", "NN", "VP"])
    assert node_labels(tree) == node_labels(SENTENCE)
    assert collapse_unary(read_tree(tree)) == (("the", "cat"), "sat")


def test_tagged_words_of_nltk_are_preterminals():
    nltk = pytest.importorskip("nltk")
    tree = nltk.Tree("S", [nltk.Tree("NP", [("the", "DT"), ("cat", "NN")]), "sat"])
    check(tree, ((("the",), ("cat",)), "sat"), ["S", "NP", "DT", "NN"])


def test_an_nltk_tree_without_children_is_its_label():
    nltk = pytest.importorskip("nltk")
    check(nltk.Tree("S", [nltk.Tree("NP", []), "x"]), ("NP", "x"), ["S", "NP"])


def test_a_list_of_nltk_trees_is_not_one_tree():
    nltk = pytest.importorskip("nltk")
    with pytest.raises(TypeError, match=r"got a list of 'Tree'; write \[read_tree"):
        read_tree([nltk.Tree.fromstring(SENTENCE)])


def test_an_nltk_tree_below_itself_is_a_cycle():
    nltk = pytest.importorskip("nltk")
    tree = nltk.Tree("S", ["a"])
    tree.append(tree)
    with pytest.raises(ValueError, match=r"the 'Tree' at \[1\] is its own ancestor"):
        read_tree(tree)


def test_lxml_has_comments_and_text_around_elements():
    etree = pytest.importorskip("lxml.etree")
    root = etree.fromstring("<a p='1'>one<!-- no --> two<b/><?no?>three<c>x</c></a>")
    tree = ("a", "one two", "b", "three", ("c", "x"))
    check(root, tree, ["a", "b", "c"])
    check(root.getroottree(), tree, ["a", "b", "c"])
    with pytest.raises(ValueError, match="a comment or processing instruction"):
        read_tree(root[0])


def test_elements_of_lxml_objectify_iterate_over_siblings_but_are_read():
    objectify = pytest.importorskip("lxml.objectify")
    root = objectify.fromstring("<a><b>1</b><b>2</b></a>")
    check(root, ("a", ("b", "1"), ("b", "2")), ["a", "b", "b"])


def test_networkx_has_children_in_the_order_of_edges():
    nx = pytest.importorskip("networkx")
    graph = nx.DiGraph([("r", "z"), ("r", "a"), ("a", "x"), ("a", "b")])
    check(graph, ("z", ("x", "b")), ["r", "z", "a", "x", "b"])


@pytest.mark.parametrize(
    ("edges", "problem"),
    [
        ([(0, 1), (1, 0)], "every node has a parent, .* a cycle and no root"),
        ([(0, 1), (2, 1)], "node 1 has parents 0 and 2"),
        ([(0, 1), (2, 3)], "nodes 0 and 2 both have no parent"),
        ([(0, 1), (2, 3), (3, 2)], "no path leads from 0 to 2: there is a cycle"),
        ([], "it has no nodes"),
    ],
)
def test_a_graph_of_networkx_that_is_no_tree_is_refused(edges, problem):
    nx = pytest.importorskip("networkx")
    with pytest.raises(
        ValueError, match=rf"no tree: {problem}; .*bfs_tree\(graph, roo"
    ):
        read_tree(nx.DiGraph(edges))


def test_double_edges_of_networkx_are_refused_as_such():
    nx = pytest.importorskip("networkx")
    graph = nx.MultiDiGraph([(0, 1), (0, 2), (0, 2)])
    message = r"no tree: there are 2 edges from 0 to 2, of which networkx.DiGraph\(gr"
    with pytest.raises(ValueError, match=message):
        read_tree(graph)
    assert read_tree(nx.DiGraph(graph)) == (1, 2)
    graph.add_edge(1, 2)
    with pytest.raises(ValueError, match="node 2 has parents 0 and 1"):
        read_tree(graph)


def test_a_graph_of_networkx_without_directions_is_refused():
    nx = pytest.importorskip("networkx")
    graph = nx.path_graph(3)
    with pytest.raises(ValueError, match=r"'Graph' does not say .* root; .*bfs_tree"):
        read_tree(graph)
    assert read_tree(nx.bfs_tree(graph, 1)) == (0, 2)


def test_nodes_of_networkx_that_are_tuples_must_be_renamed():
    nx = pytest.importorskip("networkx")
    graph = nx.DiGraph([((0, 0), (0, 1))])
    with pytest.raises(
        ValueError, match=r"at \[0\]: the node \(0, 1\) .*relabel_nodes"
    ):
        read_tree(graph)
    assert read_tree(nx.relabel_nodes(graph, str)) == ("(0, 1)",)


def test_lark_has_rules_tokens_and_missing_options():
    lark = pytest.importorskip("lark")
    grammar = 'start: "a" x [y]\nx: /b+/\ny: "c"'
    parser = lark.Lark(grammar, maybe_placeholders=True)
    check(parser.parse("abb"), ("start", ("x", "bb")), ["start", "x"])
    check(parser.parse("abc"), ("start", ("x", "b"), "y"), ["start", "x", "y"])
    assert type(read_tree(parser.parse("abb"))[1][1]) is str


def test_anytree_has_names():
    anytree = pytest.importorskip("anytree")
    root = anytree.Node("r")
    anytree.Node("x", parent=root)
    anytree.Node("z", parent=anytree.Node("y", parent=root))
    check(root, ("r", "x", ("y", "z")), ["r", "x", "y", "z"])


def test_a_node_of_anytree_without_a_name_needs_tree_from():
    anytree = pytest.importorskip("anytree")
    root = anytree.AnyNode(id=1)
    anytree.AnyNode(id=2, parent=root)
    with pytest.raises(ValueError, match=r"'AnyNode' has no name .*: tree_from\("):
        read_tree(root)
    assert tree_from(root, children="children", leaf="id") == (2,)


def test_bigtree_has_names():
    bigtree = pytest.importorskip("bigtree")
    root = bigtree.list_to_tree(["r/x", "r/y/z"])
    check(root, ("r", "x", ("y", "z")), ["r", "x", "y", "z"])


def test_a_tree_of_bigtree_holds_its_root():
    bigtree = pytest.importorskip("bigtree")
    if not hasattr(bigtree, "Tree"):
        pytest.skip("bigtree has only nodes before version 1")
    tree = bigtree.Tree.from_list(["r/x", "r/y/z"])
    check(tree, ("r", "x", ("y", "z")), ["r", "x", "y", "z"])


def test_a_binary_node_of_bigtree_may_lack_a_child():
    bigtree = pytest.importorskip("bigtree")
    root = bigtree.BinaryNode(1, right=bigtree.BinaryNode(2))
    check(root, ("1", "2"), ["1", "2"])


def test_treelib_has_tags():
    treelib = pytest.importorskip("treelib")
    tree = treelib.Tree()
    with pytest.raises(ValueError, match=r"the treelib.Tree is empty: add a root"):
        read_tree(tree)
    for tag, parent in [("R", None), ("Y", "r"), ("X", "r"), ("Z", "y")]:
        tree.create_node(tag, tag.lower(), parent=parent)
    check(tree, ("R", ("Y", "Z"), "X"), ["R", "Y", "Z", "X"])
    with pytest.raises(TypeError, match="got 'Node'"):
        read_tree(tree["r"])


def test_tree_sitter_has_texts_of_named_nodes():
    tree_sitter = pytest.importorskip("tree_sitter")
    python = pytest.importorskip("tree_sitter_python")
    language = tree_sitter.Language(python.language())
    parsed = tree_sitter.Parser(language).parse(b"x = a + 1\npass")
    tree = (
        "module",
        ("expression_statement", ("assignment", "x", ("binary_operator", "a", "1"))),
        "pass",
    )
    labels = (
        "module expression_statement assignment identifier binary_operator "
        "identifier integer pass_statement"
    )
    check(parsed, tree, labels.split())
    check(parsed.root_node, tree, labels.split())


def test_conllu_has_words_inside():
    conllu = pytest.importorskip("conllu")
    tree, words = ("sat", ("cat", "the")), ["sat", "cat", "the"]
    check(conllu.parse(CONLLU)[0], tree, words)
    check(conllu.parse_tree(CONLLU)[0], tree, words)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("\t0\t", "\t2\t"), "no tree: .*; one word needs the head 0"),
        (None, "is empty"),
    ],
)
def test_a_sentence_of_conllu_that_is_no_tree_is_refused(change, message):
    conllu = pytest.importorskip("conllu")
    tokens = conllu.parse(CONLLU.replace(*change))[0] if change else conllu.TokenList()
    with pytest.raises(ValueError, match=message):
        read_tree(tokens)


def test_sentences_of_conllu_are_not_one_tree():
    conllu = pytest.importorskip("conllu")
    with pytest.raises(TypeError, match="got a list of 'TokenList'"):
        read_tree(conllu.parse(CONLLU))


def parsed():
    """Two sentences, parsed by hand: no model is needed."""
    spacy = pytest.importorskip("spacy")
    return spacy.tokens.Doc(
        spacy.blank("en").vocab,
        words="the cat sat . it ran".split(),
        heads=[1, 2, 2, 2, 5, 5],
        deps="det nsubj ROOT punct nsubj ROOT".split(),
    )


def test_spacy_has_words_inside():
    doc = parsed()
    first = ("sat", ("cat", "the"), ".")
    words = ["sat", "cat", "the", "."]
    check(doc, (first, ("ran", "it")), [*words, "ran", "it"])
    check(next(doc.sents), first, words)
    check(doc[2], first, words)
    check(doc[1], ("cat", "the"), ["cat", "the"])
    check(doc[0], "the", ["the"])


def test_a_span_of_spacy_holds_no_other_words():
    doc = parsed()
    assert read_tree(doc[1:4]) == ("sat", "cat", ".")
    assert read_tree(doc[0:2]) == ("cat", "the")
    assert read_tree(doc[3:5]) == (".", "it")


def test_dependencies_of_spacy_can_be_labels_instead():
    root = next(parsed().sents).root
    names = {"children": "children", "leaf": "text", "label": "dep_"}
    tree = tree_from(root, place_label="only_leaves", **names)
    assert tree == ((("det", "the"),), ("punct", "."))


def test_a_doc_of_spacy_without_parse_is_refused():
    spacy = pytest.importorskip("spacy")
    doc = spacy.blank("en")("the cat sat")
    for obj in (doc, doc[:2], doc[0]):
        with pytest.raises(ValueError, match=r"no dependency parse; .* has a parser"):
            read_tree(obj)
    with pytest.raises(ValueError, match=r"the 'Span' is empty"):
        read_tree(doc[1:1])


@pytest.mark.filterwarnings("ignore")  # when it is imported
def test_ete3_has_names_of_leaves():
    ete3 = pytest.importorskip("ete3", exc_type=ImportError)
    tree = ete3.Tree("((a,b)x,c);", format=1)
    check(tree, (("a", "b"), "c"), ["x", "a", "b", "c"])


@pytest.mark.filterwarnings("ignore")  # when it is imported
def test_ete4_has_names_of_leaves():
    ete4 = pytest.importorskip("ete4", exc_type=ImportError)
    tree = ete4.Tree("((a,b)x,c);", parser=1)
    check(tree, (("a", "b"), "c"), ["x", "a", "b", "c"])


def test_dendropy_has_names_of_taxa():
    dendropy = pytest.importorskip("dendropy")
    tree = dendropy.Tree.get(data="((a,b)x,c);", schema="newick")
    check(tree, (("a", "b"), "c"), ["x", "a", "b", "c"])
    check(tree.seed_node, (("a", "b"), "c"), ["x", "a", "b", "c"])
    trees = dendropy.TreeList([tree])
    with pytest.raises(TypeError, match=r"'TreeList'.* holds trees; read each: \["):
        read_tree(trees)


def check_vectors(trees):
    """Estimators read trees of ((a, b), a), without what is on inner nodes."""
    model = UnfoldingRAETransformer(max_iter=1, random_state=0)
    codes = model.fit([((A, B), A)]).transform(trees)
    assert codes.tolist() == model.transform([((A, B), A)] * len(trees)).tolist()


A, B = np.array([1.0, 2.0]), np.array([0.0, 1.0])


def test_estimators_read_vectors_in_nltk_trees():
    nltk = pytest.importorskip("nltk")
    check_vectors([nltk.Tree("S", [nltk.Tree("NP", [A, [0.0, 1.0]]), A])])


def test_estimators_read_vectors_in_lark_trees():
    lark = pytest.importorskip("lark")
    check_vectors([lark.Tree("start", [lark.Tree("x", [A, B]), A])])


def test_estimators_read_vectors_that_are_names_in_anytree():
    anytree = pytest.importorskip("anytree")
    root = anytree.Node("root")
    inner = anytree.Node("inner", parent=root)
    for vector, parent in [(A, inner), (B, inner), (A, root)]:
        anytree.Node(vector, parent=parent)
    check_vectors([root, root])


def test_no_library_is_imported_by_reading():

    code = "import sys, sk_autoenc; sk_autoenc.read_tree('(a,b);'); print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    libraries = (
        r"\b(nltk|lxml|networkx|lark|anytree|bigtree|treelib|tree_sitter|spacy)\b"
    )
    assert not re.search(libraries, run.stdout)
