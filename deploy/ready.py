#!/usr/bin/env python3
"""A container's health check: `ready /billing/api/_ready` asks the service in this very container, at THEATRE_PORT."""

import http.client
import os
import sys

ANSWER_SECONDS = 4

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["THEATRE_PORT"]), timeout=ANSWER_SECONDS)
try:
    connection.request("GET", sys.argv[1])
    answer = connection.getresponse()
    said = answer.read().decode(errors="replace")
except OSError as error:
    sys.exit(str(error))
sys.exit(None if answer.status == http.client.OK else f"{answer.status} {said}")
