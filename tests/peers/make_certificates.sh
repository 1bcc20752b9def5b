#!/usr/bin/env bash
# Certificates for tests: make_certificates.sh FOLDER makes a CA (ca.pem), certificates it signed for 127.0.0.1
# (good), for another host (elsewhere) and one that has expired (old), a client's (client.pem with its key), and one
# that nobody signed (alone).
set -euo pipefail
cd "$1"

request() { openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null; }
sign() { # NAME SUBJECT_ALTERNATIVE OPTIONS...
  local name=$1 also=$2
  shift 2
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -out "$name.crt" \
    -extfile <(echo "subjectAltName=$also") "$@" 2>/dev/null
}

openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=test CA" -keyout ca.key -out ca.pem 2>/dev/null
for name in good elsewhere old client; do request "$name"; done
sign good IP:127.0.0.1,DNS:localhost -days 30
sign elsewhere DNS:elsewhere.example -days 30
sign old IP:127.0.0.1 -days -1
sign client DNS:client -days 30
cat client.crt client.key >client.pem
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=alone" -addext "subjectAltName=IP:127.0.0.1" \
  -keyout alone.key -out alone.crt 2>/dev/null
