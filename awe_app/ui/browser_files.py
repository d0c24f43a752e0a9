"""JavaScript files of ours that stand beside the Python module that uses them."""


def importable(module: str, file: str) -> str:
    """Where pages import ``file`` from, once ``rx.asset(file, shared=True)`` in that module has linked it.

    The same as its ``importable_path`` (tests/test_reflex_contract.py). Reflex finds out who calls by going through all
    that is loaded, which took a twentieth of the start of a server that has no page to build.
    """
    return f"$/public/external/{module.replace('.', '/')}/{file}"
