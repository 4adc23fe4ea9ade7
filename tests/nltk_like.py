"""Trees as nltk has them, where it is not installed: lists with a label."""


class Tree(list):
    """A subclass of list with what `read_tree` and hints know nltk's by."""

    def __init__(self, label, children):
        super().__init__(children)
        self._label = label

    def label(self):
        return self._label

    def subtrees(self, filter=None):
        raise NotImplementedError

    def treepositions(self, order="preorder"):
        raise NotImplementedError

    def __reduce__(self):
        return type(self), (self._label, list(self))
