"""Sealed is sealed: what is not the same bytes, key and place does not open."""

from __future__ import annotations

import subprocess
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.domain.sealing import Cryptography
from mlmcsc.errors import IntegrityError

CRYPTO: Cryptography = PycaCryptography()
CRYPTO.encrypt(bytes(32), b"", b"")  # the import, before Hypothesis takes the time of a call
OVERHEAD = 12 + 16
keys = st.binary(min_size=32, max_size=32)

RFC_8032 = [  # section 7.1, tests 1 to 3: seed, public key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
            "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
            "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
            "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@given(keys, st.binary(max_size=300), st.binary(max_size=50))
def test_what_is_encrypted_is_decrypted(key, plain, place):
    sealed = CRYPTO.encrypt(key, plain, place)
    assert len(sealed) == len(plain) + OVERHEAD
    assert CRYPTO.decrypt(key, sealed, place) == plain


def test_the_cipher_is_aes_256_gcm():
    # McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test case 14.
    sealed = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert CRYPTO.decrypt(bytes(32), bytes(12) + sealed, b"") == bytes(16)


def test_the_same_text_is_never_sealed_alike():
    assert len({CRYPTO.encrypt(bytes(32), b"Jo", b"place") for _ in range(50)}) == 50


@given(keys, st.binary(max_size=40), st.data())
def test_any_flipped_bit_is_refused(key, plain, data):
    sealed = bytearray(CRYPTO.encrypt(key, plain, b"technicians.name"))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(IntegrityError):
        CRYPTO.decrypt(key, bytes(sealed), b"technicians.name")


@given(st.data())
def test_a_cut_or_longer_text_is_refused(data):
    sealed = CRYPTO.encrypt(bytes(32), b"Jo", b"place")
    end = data.draw(st.integers(0, len(sealed) - 1))
    for wrong in (sealed[:end], sealed + b"\0"):
        with pytest.raises(IntegrityError):
            CRYPTO.decrypt(bytes(32), wrong, b"place")


@pytest.mark.parametrize("key", [b"\1" * 32, b"", b"short", bytes(33)])
def test_another_key_is_refused(key):
    with pytest.raises(IntegrityError):
        CRYPTO.decrypt(key, CRYPTO.encrypt(bytes(32), b"Jo", b"place"), b"place")


def test_a_text_moved_to_another_place_is_refused():
    sealed = CRYPTO.encrypt(bytes(32), b"Jo", b"technicians.name/p1")
    with pytest.raises(IntegrityError):
        CRYPTO.decrypt(bytes(32), sealed, b"technicians.name/p2")


def test_a_refusal_tells_neither_key_nor_text():
    key, plain = b"CANARYKEY" * 3 + b"12345", b"CANARYTEXT"
    sealed = CRYPTO.encrypt(key, plain, b"place")
    with pytest.raises(IntegrityError, match="sealed under another key") as caught:
        CRYPTO.decrypt(key, sealed, b"elsewhere")
    told = "".join(traceback.format_exception(caught.value))
    assert "CANARYKEY" not in told
    assert "CANARYTEXT" not in told


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(seed, public, message, signature):
    seed, public, message, signature = map(bytes.fromhex, (seed, public, message, signature))
    assert CRYPTO.public_key(seed) == public
    assert CRYPTO.sign(seed, message) == signature
    assert CRYPTO.verify(public, signature, message)


@given(keys, st.binary(max_size=100), st.data())
def test_a_signature_is_of_one_message_by_one_key(seed, message, data):
    public, signature = CRYPTO.public_key(seed), CRYPTO.sign(seed, message)
    assert CRYPTO.verify(public, signature, message)
    assert not CRYPTO.verify(public, signature, message + b"\0")
    bit = data.draw(st.integers(0, 8 * 64 - 1))
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not CRYPTO.verify(public, bytes(flipped), message)


@pytest.mark.parametrize(
    ("public", "signature"), [(b"", b""), (bytes(31), bytes(64)), (bytes(32), bytes(63))]
)
def test_malformed_keys_and_signatures_are_no_signature(public, signature):
    assert not CRYPTO.verify(public, signature, b"text")


def test_the_package_is_loaded_by_its_first_use_only():
    program = (
        "import sys; from mlmcsc.adapters.crypto import PycaCryptography as C;"
        "a = 'cryptography' in sys.modules; C().public_key(bytes(32));"
        "print(a, 'cryptography' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "True"]


class TestChunks:
    def test_a_chunk_is_opened_at_its_place_only(self):
        crypto = PycaCryptography()
        cipher = crypto.chunks(bytes(32))
        sealed = cipher.seal(3, b"plain", b"place")
        assert cipher.open(3, sealed, b"place") == b"plain"
        wrong = [
            (cipher, 4, sealed, b"place"),
            (cipher, 3, sealed, b"elsewhere"),
            (cipher, 3, sealed[:-1], b"place"),
            (cipher, 3, b"", b"place"),
            (crypto.chunks(bytes([1]) * 32), 3, sealed, b"place"),
        ]
        for other, number, content, associated in wrong:
            with pytest.raises(IntegrityError, match=f"Chunk {number}"):
                other.open(number, content, associated)

    def test_the_nonce_is_the_number_of_the_chunk(self):
        """NIST SP 800-38D: the same as AES-GCM with that nonce, big-endian."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        expected = AESGCM(bytes(32)).encrypt(bytes(11) + b"\x05", b"plain", b"place")
        assert PycaCryptography().chunks(bytes(32)).seal(5, b"plain", b"place") == expected
