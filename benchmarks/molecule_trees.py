"""Branching molecules as labelled trees: sugars, and molecules without rings.

An atom or a sugar is the first leaf of its node, and without children it is its label
alone.
"""

import csv
import re
from collections import defaultdict

from data_sets import from_wheel

GLYCANS = "glycowork==1.11.0"
KINGDOMS = ("Animalia", "Bacteria", "Fungi", "Plantae")
CHEMICALS = "chemicals==1.5.2"
IDENTIFIERS = "chemicals/Identifiers/chemical identifiers pubchem {}.tsv"


def glycans():
    """Return the sugars that are known of one kingdom of life only, and that kingdom.

    A sugar and its bond are two leaves: ``("Glc", ("Gal", "b1-4"))``.
    """
    path = from_wheel(GLYCANS, "glycowork/glycan_data/v12_df_species.csv")
    kingdoms = defaultdict(set)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kingdoms[row["glycan"]].add(row["Kingdom"])
    answers = {}
    for text, (kingdom, *others) in kingdoms.items():
        tree = sugar_tree(text)
        if tree is not None and kingdom in KINGDOMS and not others:
            answers.setdefault(tree, kingdom)
    return answers


def sugar_tree(text):
    """Give a glycan in IUPAC's condensed form as nested tuples, from its last sugar.

    Branches stand in square brackets before the sugar that they hang on. None if they
    do not match, which is so in three of the file.
    """
    waiting, outer = [], []  # for the next sugar
    for part in re.findall(r"\[|\]|[^\[\]()]+(?:\([^()]*\))?", text):
        if part == "[":
            outer.append(waiting)
            waiting = []
        elif part == "]":
            if not outer:
                return None
            waiting = outer.pop() + waiting
        else:
            node = (*part.rstrip(")").split("("), *waiting)
            waiting = [node if len(node) > 1 else part]
    return waiting[0] if len(waiting) == 1 and not outer else None


def boiling_points(pattern, source):
    """Return the molecules whose SMILES match a pattern, and their boiling points.

    Parameters
    ----------
    pattern : str
        A regular expression of SMILES without rings, double bonds and brackets.
    source : str
        A file of the package.

    Returns
    -------
    answers : dict of tree to float
        Trees from the middle of the longest chain, and degrees Celsius.
    """
    smiles = smiles_by_number()
    answers = {}
    with from_wheel(CHEMICALS, f"chemicals/{source}").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            text = smiles.get(row["CAS"].replace("-", ""), "")
            if row["Tb"] and re.fullmatch(pattern, text):
                tree = from_the_middle(*bonds(text))
                answers.setdefault(tree, float(row["Tb"]) - 273.15)
    return answers


def smiles_by_number():
    """Return SMILES by the number that the Chemical Abstracts give a substance."""
    smiles = {}
    for part in ("large", "small"):
        path = from_wheel(CHEMICALS, IDENTIFIERS.format(part))
        with path.open(encoding="utf-8") as file:
            for line in file:
                _, number, _, _, text, *_ = line.split("\t")
                smiles.setdefault(number.replace("-", ""), text)
    return smiles


def bonds(smiles):
    """Return the atoms of a molecule, and of each its neighbours."""
    atoms, neighbours, branches, last = [], [], [], None
    for letter in smiles:
        if letter == "(":
            branches.append(last)
        elif letter == ")":
            last = branches.pop()
        else:
            atoms.append(letter)
            neighbours.append([])
            if last is not None:
                neighbours[last].append(len(atoms) - 1)
                neighbours[-1].append(last)
            last = len(atoms) - 1
    return atoms, neighbours


def from_the_middle(atoms, neighbours):
    """Make a tree of a molecule, the same however it was written."""

    def hang(atom, parent=None):
        below = [hang(other, atom) for other in neighbours[atom] if other != parent]
        below.sort(key=lambda tree: (n_atoms(tree), repr(tree)))
        return (atoms[atom], *below) if below else atoms[atom]

    def height(atom, parent=None):
        others = (other for other in neighbours[atom] if other != parent)
        return 1 + max((height(other, atom) for other in others), default=0)

    heights = [height(atom) for atom in range(len(atoms))]
    middle = [atom for atom, value in enumerate(heights) if value == min(heights)]
    return min(map(hang, middle), key=repr)


def n_atoms(tree):
    return 1 if isinstance(tree, str) else sum(map(n_atoms, tree))


def alkanes():
    """Return alkanes of up to ten atoms of carbon, and their boiling points."""
    found = boiling_points("[C()]+", "Phase Change/Yaws Boiling Points.tsv")
    return {tree: degrees for tree, degrees in found.items() if n_atoms(tree) <= 10}


def ethers():
    """Return ethers, alcohols and their relatives of sulfur, and boiling points."""
    found = boiling_points(
        "[COS()]*[OS][COS()]*", "Misc/Physical Constants of Organic Compounds.csv"
    )
    return {tree: degrees for tree, degrees in found.items() if n_atoms(tree) <= 15}
