#!/bin/sh
# Makes ledger/tests/golden/timestamp.{tsq,tsr} anew from timestamp.checkpoint.txt there: query and answer, both by OpenSSL.
# Usage, from the repository's root: testkit/scripts/timestamp_response.sh
set -eu
golden=$(realpath ledger/tests/golden)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > tsa.cnf <<'CONFIGURATION'
[tsa]
default_tsa = tsa1
[tsa1]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[extensions]
extendedKeyUsage = critical,timeStamping
[req]
distinguished_name = name
[name]
CONFIGURATION
echo 01 > serial
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=Test time-stamp authority" -days 3650 \
    -config tsa.cnf -extensions extensions -keyout tsa.key -out tsa.pem 2> /dev/null
openssl ts -query -data "$golden/timestamp.checkpoint.txt" -sha256 -cert -no_nonce -out query.tsq
openssl ts -reply -config tsa.cnf -queryfile query.tsq -inkey tsa.key -signer tsa.pem -out reply.tsr
openssl ts -verify -data "$golden/timestamp.checkpoint.txt" -in reply.tsr -CAfile tsa.pem
cp query.tsq "$golden/timestamp.tsq"
cp reply.tsr "$golden/timestamp.tsr"
