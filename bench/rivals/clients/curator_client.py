"""curator (bespokelabs-curator): an LLM in batch mode over a list of rows.

Settings: polls every second, the least that it takes, BATCH rows in a batch. It
waits a second after each upload. The environment keeps it, litellm and
Hugging Face from calling home. Nothing is patched.
"""

import os

import job

os.environ |= {
    "CURATOR_CACHE_DIR": job.WORK,
    "HF_HOME": job.WORK,
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "TELEMETRY_ENABLED": "0",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
}

from bespokelabs import curator


class Summarise(curator.LLM):
    def prompt(self, row):
        return row["text"]

    def parse(self, row, response):
        return {"id": row["id"], "text": response}


llm = Summarise(
    model_name=job.MODEL,
    backend="openai",
    batch=True,
    backend_params={"base_url": job.URL, "batch_size": job.BATCH, "batch_check_interval": 1},
)
answers = llm([{"id": id, "text": text} for id, text in job.rows()])
job.write((row["id"], row["text"]) for row in answers.dataset)
