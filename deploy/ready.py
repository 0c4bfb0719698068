#!/usr/bin/env python3
"""A container's health check: `ready /billing/api/_ready` asks the service in this very container, at THEATRE_PORT.

`ready /metrics THEATRE_METRICS_PORT` asks at the port which that variable says: a worker has no other door.
"""

import http.client
import os
import sys

ANSWER_SECONDS = 4

path, variable = [*sys.argv[1:], "THEATRE_PORT"][:2]
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ[variable]), timeout=ANSWER_SECONDS)
try:
    connection.request("GET", path)
    answer = connection.getresponse()
    said = answer.read().decode(errors="replace")
except OSError as error:
    sys.exit(str(error))
sys.exit(None if answer.status == http.client.OK else f"{answer.status} {said}")
