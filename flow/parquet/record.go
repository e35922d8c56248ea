package parquet

import (
	"encoding/json"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/sink/llm"
)

// Record is a result as WriteResults writes it. Source reads it back. The
// columns are those of a durable.Result with the usage and the error spread
// out, but for the provider's body and the routes tried before. What does not
// apply to a result is null.
//
// The columns of JSON are a json.RawMessage because the library writes optional
// JSON of no other type well.
type Record struct {
	ID           string          `parquet:"id"`
	Status       string          `parquet:"status,dict"`
	Text         string          `parquet:"text,optional"`
	Value        json.RawMessage `parquet:"value,json,optional"`
	ErrorClass   string          `parquet:"error_class,dict,optional"`
	ErrorCode    string          `parquet:"error_code,dict,optional"`
	Error        string          `parquet:"error,optional"`
	Model        string          `parquet:"model,dict,optional"`
	Route        string          `parquet:"route,dict,optional"`
	Tenant       string          `parquet:"tenant,dict,optional"`
	Batch        string          `parquet:"batch,dict,optional"`
	Attempts     int64           `parquet:"attempts"`
	Cached       bool            `parquet:"cached"`
	Shared       bool            `parquet:"shared"`
	InputTokens  *int64          `parquet:"input_tokens,optional"`
	CachedInput  *int64          `parquet:"cached_input_tokens,optional"`
	CacheWrites  *int64          `parquet:"cache_write_tokens,optional"`
	OutputTokens *int64          `parquet:"output_tokens,optional"`
	Reasoning    *int64          `parquet:"reasoning_tokens,optional"`
	Source       string          `parquet:"source,dict,optional"`
	Line         int64           `parquet:"line,optional"`
	Meta         json.RawMessage `parquet:"meta,json,optional"`
	Citations    json.RawMessage `parquet:"citations,json,optional"`
}

// fixedSize is about what the columns of a record take that are no text.
const fixedSize = 128

func (r *Record) size() int {
	return fixedSize + len(r.ID) + len(r.Text) + len(r.Value) + len(r.Error) + len(r.Meta) + len(r.Citations)
}

func recordOf(r *archive.Result) Record {
	record := Record{
		ID:       r.ID,
		Status:   string(r.Status),
		Text:     r.Text,
		Value:    r.Value,
		Model:    r.Model,
		Route:    r.Route,
		Tenant:   r.Tenant,
		Batch:    r.Batch,
		Attempts: int64(r.Attempts),
		Cached:   r.Cached,
		Shared:   r.Shared,
		Source:   r.Source,
		Line:     int64(r.Line),
		Meta:     r.Meta,
	}
	if r.Error != nil {
		record.ErrorClass, record.ErrorCode, record.Error = r.Error.Class.String(), r.Error.Code, r.Error.Message
	}
	if r.Usage != nil {
		record.setUsage(r.Usage)
	}
	if len(r.Citations) > 0 {
		record.Citations, _ = json.Marshal(r.Citations) // which cannot fail
	}
	return record
}

func (r *Record) setUsage(u *llm.Usage) {
	r.InputTokens, r.OutputTokens = count(u.Input), count(u.Output)
	r.CachedInput, r.CacheWrites, r.Reasoning = count(u.CachedInput), count(u.CacheWrites), count(u.Reasoning)
}

func count(n int) *int64 {
	v := int64(n)
	return &v
}
