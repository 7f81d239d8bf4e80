"""Names that a file of Python code defines, found without running it."""

from __future__ import annotations

import ast

# Whoever writes one of these may define names that cannot be seen.
_HIDDEN = frozenset(
    """
    __builtins__ __dict__ __getattr__ __import__ __setattr__ eval exec globals
    import_module locals modules run_path setattr vars
    """.split()
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What has names of its own.
_SCOPES = (
    *_FUNCTIONS,
    ast.ClassDef,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
)


def may_define(code: str, name: str) -> bool:
    """Whether a module of this code may have a name; ``False`` is certain.

    Args:
        code: Python code.
        name: The name.

    Raises:
        SyntaxError: If it is no Python code.
        ValueError: The same, for a null character in it.
        RecursionError: If it is nested too deeply to look at.
    """
    tree = ast.parse(code)
    if name.startswith("__"):  # those that every module has
        return True
    finder = _Finder()
    finder.visit(tree)
    return finder.unsure or name in finder.names


class _Finder(ast.NodeVisitor):
    """Collects what is bound at the top of a module."""

    def __init__(self):
        self.names = set()
        self.unsure = False
        # How many scopes there are around a node.
        self._inside = 0

    def visit(self, node):
        self._look(node)
        inner = isinstance(node, _SCOPES)
        self._inside += inner
        self.generic_visit(node)
        self._inside -= inner

    def _look(self, node) -> None:
        if isinstance(node, ast.Global):
            self.names.update(node.names)
        elif isinstance(node, ast.Name):
            self.unsure |= node.id in _HIDDEN
            if isinstance(node.ctx, ast.Store):
                self._bind(node.id)
        elif isinstance(node, ast.NamedExpr):  # leaves its comprehension
            self.names.add(node.target.id)
        elif isinstance(node, ast.Attribute):
            self.unsure |= node.attr in _HIDDEN
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            self.unsure |= node.name in _HIDDEN
            self._bind(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                self.unsure |= alias.name == "*" or alias.name in _HIDDEN
                self._bind(alias.asname or alias.name.partition(".")[0])
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            self._bind(node.name)
        elif isinstance(node, ast.MatchMapping):
            self._bind(node.rest)

    def _bind(self, name) -> None:
        if not self._inside:
            self.names.add(name)
