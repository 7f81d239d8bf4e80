"""The bar of progress of what takes long besides the meta phase."""

from __future__ import annotations

from tqdm import tqdm


def progress_bar(desc: str, verbose: int, **kwargs) -> tqdm:
    """A bar with the time left, on the error output; none without a terminal.

    Args:
        desc: What is going on.
        verbose: 0 draws no bar.
        **kwargs: Of ``tqdm``, e.g. ``iterable``, ``total``, ``unit``.
    """
    disable = None if verbose > 0 else True
    # Left to itself, tqdm learns from quick steps to leave out slow ones.
    return tqdm(desc=desc, disable=disable, dynamic_ncols=True, miniters=1, **kwargs)
