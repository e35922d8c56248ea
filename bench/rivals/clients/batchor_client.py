"""batchor: a durable run in SQLite, of a JSONL source.

Settings: chat completions, polls every 0.1 s instead of 1 s, BATCH rows in a
batch.

Patch: it counts tokens with tiktoken, which fetches a table from the network,
and asks for it again with each row while that fails. These lines let it fail at
once, so that batchor estimates tokens from bytes, which is what it does then. It
would take longer with the table.
"""

import job

import batchor
import batchor.runtime.tokens


def no_table(model):
    raise LookupError("no network")


batchor.runtime.tokens._encoding_for_model = no_table

source = batchor.JsonlItemSource(
    job.IN, item_id_from_row=lambda row: row["id"], payload_from_row=lambda row: row["text"]
)
runner = batchor.BatchRunner(storage=batchor.SQLiteStorage(path=job.WORK + "/state.sqlite3"), temp_root=job.WORK)
run = runner.run_and_wait(
    batchor.BatchJob(
        items=source,
        build_prompt=lambda item: "Summarise: " + item.payload,
        provider_config=batchor.OpenAIProviderConfig(
            model=job.MODEL,
            endpoint=batchor.OpenAIEndpoint.CHAT_COMPLETIONS,
            poll_interval_sec=job.POLL,
            request_timeout_sec=600,
        ),
        chunk_policy=batchor.ChunkPolicy(max_requests=job.BATCH),
    )
)
job.write((r.item_id, r.output_text) for r in run.results())
