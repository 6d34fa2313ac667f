"""Make the fixtures of credentials/tests: certificates by another X.509 library, and files signed by the official C2PA library.

    pip install c2pa-python==0.38.1 cryptography pillow
    python testkit/scripts/c2pa_goldens.py testkit/goldens/c2pa

The private keys are for tests alone and worth nothing. Keys and serial numbers are random: running it again gives other bytes.
"""

import datetime
import io
import json
import sys
from pathlib import Path

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2124, 1, 1, tzinfo=datetime.timezone.utc)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Studio")])


def usage(sign, issue):
    return x509.KeyUsage(sign, False, False, False, False, issue, issue, False, False)


def certificate(subject, key, issuer, issuer_key, is_ca, start=START, end=END):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(usage(not is_ca, is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    algorithm = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, algorithm).public_bytes(serialization.Encoding.PEM)


def pem(key, layout=serialization.PrivateFormat.PKCS8):
    return key.private_bytes(serialization.Encoding.PEM, layout, serialization.NoEncryption())


def peer_file(folder, suffix, media_type, algorithm, certificates, key):
    manifest = {
        "claim_generator_info": [{"name": "c2pa-python", "version": c2pa.__version__}],
        "title": f"peer.{suffix}",
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation"}]},
            }
        ],
    }
    picture = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 60)).save(picture, {"jpg": "jpeg"}.get(suffix, suffix))
    picture.seek(0)
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, certificates, key, None))
    c2pa.load_settings(json.dumps({"builder": {"thumbnail": {"enabled": False}}, "verify": {"verify_after_sign": False}}))
    signed = io.BytesIO()
    c2pa.Builder(json.dumps(manifest)).sign(signer, media_type, picture, signed)
    (folder / f"peer.{suffix}").write_bytes(signed.getvalue())


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    root_key, issuer_key, signer_key, edwards_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )
    root = certificate("Example root", root_key, "Example root", root_key, True)
    issuer = certificate("Example issuer", issuer_key, "Example root", root_key, True)
    signer = certificate("Example signer", signer_key, "Example issuer", issuer_key, False)
    edwards = certificate("Example Ed25519 signer", edwards_key, "Example issuer", issuer_key, False)
    past = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
    expired = certificate("Example expired signer", signer_key, "Example issuer", issuer_key, False, START, past)
    files = {
        "root.pem": root,
        "es256.pem": signer + issuer + root,
        "es256.key": pem(signer_key),
        "es256-sec1.key": pem(signer_key, serialization.PrivateFormat.TraditionalOpenSSL),
        "ed25519.pem": edwards + issuer,
        "ed25519.key": pem(edwards_key),
        "expired.pem": expired + issuer,
        "self-signed.pem": certificate("Example alone", signer_key, "Example alone", signer_key, False),
    }
    for file, content in files.items():
        (folder / file).write_bytes(content)
    peer_file(folder, "png", "image/png", b"es256", signer + issuer, pem(signer_key))
    peer_file(folder, "jpg", "image/jpeg", b"ed25519", edwards + issuer, pem(edwards_key))
    peer_file(folder, "webp", "image/webp", b"es256", signer + issuer, pem(signer_key))


main()
