"""What the clients of all rivals share: the arguments, the rows and the answers.

A client is run as `python NAME_client.py URL IN OUT WORK BATCH`. It answers each
line of IN, {"id", "text"}, by one batch request, and writes {"id", "text"} with
the answer. WORK is an empty directory for what the rival keeps.
"""

import json
import os
import sys

MODEL = "gpt-4o-mini-2024-07-18"  # one that all rivals know
POLL = 0.1  # seconds, where a rival allows that

URL, IN, OUT, WORK = sys.argv[1:5]  # URL ends in /v1
BATCH = int(sys.argv[5])

os.environ["OPENAI_BASE_URL"] = URL
os.environ["OPENAI_API_KEY"] = "sk-bench"


def rows():
    with open(IN, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["id"], "Summarise: " + row["text"]


def write(answers):
    """Writes the pairs of id and answer."""
    with open(OUT, "w", encoding="utf-8") as out:
        for id, text in answers:
            out.write(json.dumps({"id": id, "text": text}) + "\n")
