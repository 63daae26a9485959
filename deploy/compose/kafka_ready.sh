#!/usr/bin/env bash
# Is the broker ready? `bash kafka_ready.sh PORT` ends with 0 once it answers with a broker.
# Its listener accepts connections long before it answers, and a Java client costs seconds of both
# processors at every question. So a Metadata request about no topic is written by hand, the one
# of deploy/local/running/readiness.py, and the number of brokers is read from the answer's head.
set -euo pipefail

exec 3<>"/dev/tcp/127.0.0.1/$1"
printf '\x00\x00\x00\x13\x00\x03\x00\x01\x00\x00\x00\x01\x00\x05ready\x00\x00\x00\x00' >&3
[ -n "$(head -c 12 <&3 | tail -c 4 | tr -d '\000')" ]
