#!/bin/sh
# Makes the files of ledger/tests/golden that OpenSSL wrote anew from timestamp.checkpoint.txt there: the query timestamp.tsq; the answer
# timestamp.tsr of an authority with a self-signed P-256 certificate, timestamp-tsa.pem; the answer timestamp-rsa.tsr of one with an RSA
# certificate under the CA timestamp-rsa-ca.pem.
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
[tsa2]
serial = serial
signer_digest = sha512
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha384
[extensions]
extendedKeyUsage = critical,timeStamping
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
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
openssl req -x509 -newkey rsa:3072 -nodes -sha256 -subj "/CN=Test CA of time-stamp authorities" -days 3650 -config tsa.cnf \
    -extensions authority -keyout ca.key -out ca.pem 2> /dev/null
openssl req -newkey rsa:2048 -nodes -subj "/CN=Test time-stamp authority RSA" -config tsa.cnf -keyout rsa.key -out rsa.csr 2> /dev/null
openssl x509 -req -in rsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha384 -days 3650 -extfile tsa.cnf -extensions extensions \
    -out rsa.pem 2> /dev/null
openssl ts -reply -config tsa.cnf -section tsa2 -queryfile query.tsq -inkey rsa.key -signer rsa.pem -out rsa.tsr
openssl ts -verify -data "$golden/timestamp.checkpoint.txt" -in rsa.tsr -CAfile ca.pem
cp tsa.pem "$golden/timestamp-tsa.pem"
cp ca.pem "$golden/timestamp-rsa-ca.pem"
cp rsa.tsr "$golden/timestamp-rsa.tsr"
cp query.tsq "$golden/timestamp.tsq"
cp reply.tsr "$golden/timestamp.tsr"
