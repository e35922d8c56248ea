"""batchata: a job for each row, with a state file and a file for each result.

Settings: BATCH rows in a batch, ten batches at a time (its default), no copies
of raw responses.

Patch: it polls every 5 s, and that is no setting.
"""

import job

from batchata import Batch
from batchata.providers.openai.openai_provider import OpenAIProvider

OpenAIProvider.get_polling_interval = lambda self: job.POLL

batch = Batch(job.WORK + "/results", items_per_batch=job.BATCH, raw_files=False)
batch.set_state(file=job.WORK + "/state.json").set_default_params(model=job.MODEL).set_verbosity("error")
ids = {}
for id, text in job.rows():
    batch.add_job(messages=[{"role": "user", "content": text}])
    ids[batch.jobs[-1].id] = id
run = batch.run()
job.write((ids[r.job_id], r.raw_response) for r in run.results()["completed"])
