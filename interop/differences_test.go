package interop

// A difference is a field in which our clients differ from the official ones.
type difference struct {
	provider string
	call     string // empty for all
	field    string // as recorded.Difference names it, or "path"
	reason   string
}

const (
	pages  = "How many are on a page is for the caller to choose."
	ours   = "What a batch is tagged with is for the caller to choose."
	bodies = "Google's clients say that a request is JSON, and for npm send {}, where there is nothing to say. Without a body there is no type of it."
	preset = "The clients write out what is the default of the API."
)

// differences are all that there are. Each has a reason.
var differences = []difference{
	{"anthropic", "GET /v1/messages/batches", "query limit", pages},

	{"gemini", "", "path", "The clients for npm and Python have moved to v1. The client for Go is at v1beta."},
	{"gemini", "GET /v1beta/batches", "header Content-Type", bodies},
	{"gemini", "GET /v1beta/batches/ID", "header Content-Type", bodies},
	{"gemini", "POST /v1beta/batches/ID:cancel", "header Content-Type", bodies},
	{"gemini", "DELETE /v1beta/batches/ID", "header Content-Type", bodies},
	{"gemini", "GET /v1beta/files", "header Content-Type", bodies},
	{"gemini", "GET /v1beta/files/ID:download", "header Content-Type", bodies},
	{"gemini", "DELETE /v1beta/files/ID", "header Content-Type", bodies},
	{"gemini", "GET /v1beta/batches", "query pageSize", pages},
	{"gemini", "GET /v1beta/files", "query pageSize", pages},
	{"gemini", "POST /upload/v1beta/files", "body/file/displayName", "The name of the file is the tag of its batch with .jsonl, by which it is found again."},
	{"gemini", "POST /upload/v1beta/files", "body/file/sizeBytes", "The size is in the header X-Goog-Upload-Header-Content-Length."},
	{"gemini", "POST /upload/v1beta/files", "header Content-Type", "The bytes are sent as what they are. The clients call them JSON."},
	{"gemini", "POST /v1beta/models/gemini-embedding-001:asyncBatchEmbedContent", "body/batch/inputConfig/fileName", "Protocol buffers have both spellings in JSON. The clients send this one for the other kind of batches."},
	{"gemini", "POST /v1beta/models/gemini-embedding-001:asyncBatchEmbedContent", "body/batch/inputConfig/file_name", "Likewise."},

	{"mistral", "GET /v1/batch/jobs", "query created_by_me", preset},
	{"mistral", "GET /v1/batch/jobs", "query run", ours},
	{"mistral", "GET /v1/batch/jobs", "query metadata", "Mistral's description of the API has metadata as one member. The client sends each key as a member of its own."},
	{"mistral", "GET /v1/batch/jobs", "query page_size", pages},
	{"mistral", "GET /v1/files", "query include_total", preset},
	{"mistral", "GET /v1/files", "query page", "The first page is the default."},
	{"mistral", "GET /v1/files", "query page_size", pages},
	{"mistral", "GET /v1/files", "query sample_type", "Results are left out as they are read, since a server may not know of them."},
	{"mistral", "GET /v1/files", "query search", "An earlier upload is looked for by its name."},
	{"mistral", "POST /v1/batch/jobs", "body/metadata/baler_tag", ours},
	{"mistral", "POST /v1/files", "part visibility", preset},

	{"openai", "GET /v1/batches", "query limit", pages},
	{"openai", "GET /v1/files", "query limit", pages},
	{"openai", "GET /v1/files", "query order", "The newest come first, so that the list is read no further than needed."},
	{"openai", "POST /v1/batches", "body/metadata/baler_tag", ours},
	{"openai", "POST /v1/batches", "body/metadata/run", ours},
}
