"""Tokens are refused unless AWE itself made them, for this purpose, and they have not expired."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from awe_app.adapters.tokens import TokenSigner
from awe_app.domain.errors import Unauthorized
from awe_app.domain.ids import UserId, utc_now

SECRET = "k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3"
ANN = UserId("ann-id")


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner(SECRET)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token, with changes; None leaves a claim out."""
    now = int(utc_now().timestamp())
    good = {"iss": "awe", "aud": "awe-access", "sub": ANN, "sid": "s1", "jti": "t1", "iat": now, "exp": now + 60}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def forged(payload: dict[str, Any], key: str = SECRET, alg: str = "HS256", **headers: Any) -> str:
    return jwt.encode(payload, key, algorithm=alg, headers=headers or None)


def test_an_access_token_says_who_and_which_session(signer: TokenSigner):
    ends_at = utc_now() + timedelta(minutes=30)
    read = signer.read_access(signer.access(ANN, "s1", ends_at))
    assert (read.user_id, read.session_id) == (ANN, "s1")
    assert ends_at <= read.expires_at < ends_at + timedelta(seconds=1)


def test_two_access_tokens_of_one_session_differ(signer: TokenSigner):
    ends_at = utc_now() + timedelta(minutes=30)
    assert signer.access(ANN, "s1", ends_at) != signer.access(ANN, "s1", ends_at)


def test_the_forger_of_these_tests_can_make_a_good_token(signer: TokenSigner):
    assert signer.read_access(forged(claims())).user_id == ANN


@pytest.mark.parametrize("alg", ["none", "nOnE", "None"])
def test_an_unsigned_token_is_refused(signer: TokenSigner, alg: str):
    header, payload, _ = forged(claims()).split(".")
    unsigned = jwt.utils.base64url_encode(f'{{"alg":"{alg}","typ":"JWT"}}'.encode()).decode()
    for token in (f"{unsigned}.{payload}.", f"{unsigned}.{payload}", f"{header}.{payload}.", f"{header}.{payload}"):
        with pytest.raises(Unauthorized):
            signer.read_access(token)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("alg", ["HS512", "HS384"])
def test_another_algorithm_is_refused_even_with_the_right_key(signer: TokenSigner, alg: str):
    with pytest.raises(Unauthorized):
        signer.read_access(forged(claims(), alg=alg))


def test_a_token_that_claims_an_rsa_signature_is_refused(signer: TokenSigner):
    _, payload, signature = forged(claims()).split(".")
    header = jwt.utils.base64url_encode(b'{"alg":"RS256","typ":"JWT"}').decode()
    with pytest.raises(Unauthorized):
        signer.read_access(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "aud", "iss", "jti", "sid"])
def test_a_token_without_a_claim_is_refused(signer: TokenSigner, claim: str):
    with pytest.raises(Unauthorized):
        signer.read_access(forged(claims(**{claim: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1_000_000_000},
        {"exp": "soon"},
        {"nbf": 4_000_000_000},
        {"aud": "awe-refresh"},
        {"aud": ["awe-access", "elsewhere"]},
        {"aud": "someone"},
        {"iss": "someone"},
        {"sid": 7},
        {"sub": 7},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(signer: TokenSigner, changes: dict[str, Any]):
    with pytest.raises(Unauthorized):
        signer.read_access(forged(claims(**changes)))


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(signer: TokenSigner):
    ends_at = utc_now() + timedelta(hours=1)
    with pytest.raises(Unauthorized):
        signer.read_access(signer.refresh(ANN, "s1", "t1", ends_at))
    with pytest.raises(Unauthorized):
        signer.read_refresh(signer.access(ANN, "s1", ends_at))


def test_an_unknown_critical_header_is_refused(signer: TokenSigner):
    with pytest.raises(Unauthorized):
        signer.read_access(forged(claims(), crit=["unheard-of"]))


@pytest.mark.parametrize("header", [{"kid": "../../etc/passwd"}, {"jwk": {"kty": "oct", "k": "AAAA"}}], ids=str)
def test_a_key_named_in_the_header_is_never_used(signer: TokenSigner, header: dict[str, Any]):
    assert signer.read_access(forged(claims(), **header)).user_id == ANN
    with pytest.raises(Unauthorized):
        signer.read_access(forged(claims(), key="another-key-of-more-than-32-bytes-length", **header))


def test_one_changed_bit_of_the_signature_is_noticed(signer: TokenSigner):
    header, payload, signature = forged(claims()).split(".")
    raw = bytearray(jwt.utils.base64url_decode(signature))
    raw[0] ^= 1
    with pytest.raises(Unauthorized):
        signer.read_access(f"{header}.{payload}.{jwt.utils.base64url_encode(bytes(raw)).decode()}")


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "ü.ü.ü", "\ud800", "a" * 1_000_000, "..", "\0"], ids=lambda t: t[:5]
)
def test_what_is_no_token_is_refused(signer: TokenSigner, token: str):
    with pytest.raises(Unauthorized) as refusal:
        signer.read_access(token)
    assert refusal.value.code == "NOT_SIGNED_IN"


def test_a_token_that_was_read_before_is_refused_once_it_has_expired(
    signer: TokenSigner, monkeypatch: pytest.MonkeyPatch
):
    token = forged(claims())
    for _ in range(2):
        assert signer.read_access(token).user_id == ANN
    monkeypatch.setattr("awe_app.adapters.tokens.utc_now", lambda: utc_now() + timedelta(seconds=61))
    with pytest.raises(Unauthorized):
        signer.read_access(token)


def test_a_token_that_was_read_before_vouches_for_no_other(signer: TokenSigner):
    token = forged(claims())
    assert signer.read_access(token).user_id == ANN
    others = (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), token + "A", f" {token}", token.swapcase())
    for other in others:
        with pytest.raises(Unauthorized):
            signer.read_access(other)
    with pytest.raises(Unauthorized):
        signer.read_refresh(token)
    with pytest.raises(Unauthorized):
        TokenSigner(SECRET[::-1]).read_access(token)


def test_more_tokens_than_are_remembered_are_all_read(signer: TokenSigner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("awe_app.adapters.tokens.MAX_REMEMBERED", 2)
    tokens = [forged(claims(sid=f"s{number}")) for number in range(5)]
    for _ in range(2):
        assert [signer.read_access(token).session_id for token in tokens] == [f"s{number}" for number in range(5)]
