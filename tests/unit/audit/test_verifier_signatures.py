"""The Ed25519 of the stand-alone verifier against RFC 8032 §7.1, and against OpenSSL's."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.evidence.verify_evidence import ORDER, signature_holds

VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_signatures_of_the_rfc_hold(key, message, signature):
    assert signature_holds(*map(bytes.fromhex, (key, signature, message)))


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_a_changed_signature_does_not_hold(key, message, signature, place):
    changed = bytearray.fromhex(signature)
    changed[place] ^= 1

    assert not signature_holds(bytes.fromhex(key), bytes(changed), bytes.fromhex(message))


def test_a_signature_has_one_form_only():
    key, message, signature = (bytes.fromhex(text) for text in VECTORS[1])
    s = int.from_bytes(signature[32:], "little") + ORDER

    assert not signature_holds(key, signature[:32] + s.to_bytes(32, "little"), message)


@settings(max_examples=25, deadline=None)
@given(
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=200),
    st.integers(0, 511),
    st.sampled_from(["key", "signature", "message"]),
)
def test_it_judges_as_openssl_does(seed, message, bit, what):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    parts = {
        "key": private.public_key().public_bytes_raw(),
        "signature": private.sign(message),
        "message": message,
    }
    assert signature_holds(parts["key"], parts["signature"], parts["message"])
    changed = bytearray(parts[what])
    if changed:
        changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    parts[what] = bytes(changed)
    try:
        Ed25519PublicKey.from_public_bytes(parts["key"]).verify(
            parts["signature"], parts["message"]
        )
        theirs = True
    except (InvalidSignature, ValueError):
        theirs = False

    assert signature_holds(parts["key"], parts["signature"], parts["message"]) is theirs


@pytest.mark.parametrize(
    ("key", "signature"), [(b"", bytes(64)), (bytes(32), b""), (b"\xff" * 32, bytes(64))]
)
def test_malformed_bytes_are_no_signature(key, signature):
    assert not signature_holds(key, signature, b"")
