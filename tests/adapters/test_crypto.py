"""Sealed texts."""

import pytest

from awe_app.adapters.crypto import Secrets
from awe_app.domain.errors import Invalid


def test_what_is_sealed_can_be_opened_and_not_read():
    secrets = Secrets("a key of this server")
    sealed = secrets.seal("ada", "sk-ключ")
    assert secrets.open("ada", sealed) == "sk-ключ"
    assert "sk-" not in sealed
    assert "ada" not in sealed
    assert secrets.seal("ada", "sk-ключ") != sealed


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAA", "ключ"])
def test_nonsense_is_refused(sealed: str):
    with pytest.raises(Invalid) as error:
        Secrets("key").open("ada", sealed)
    assert error.value.code == "SECRET_UNREADABLE"


def test_a_row_copied_to_somebody_else_is_refused():
    secrets = Secrets("key")
    with pytest.raises(Invalid):
        secrets.open("bob", secrets.seal("ada", "sk-1"))


def test_another_key_cannot_open_it():
    with pytest.raises(Invalid):
        Secrets("other").open("ada", Secrets("key").seal("ada", "sk-1"))


def test_a_changed_key_opens_old_and_seals_new():
    old, both, new = Secrets("old"), Secrets("new,old"), Secrets("new")
    assert both.open("ada", old.seal("ada", "sk-1")) == "sk-1"
    assert new.open("ada", both.seal("ada", "sk-1")) == "sk-1"


def test_no_key_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Secrets(" , ")
