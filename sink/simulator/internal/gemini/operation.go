package gemini

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// operation is a batch as clients see it.
type operation struct {
	Name     string       `json:"name"`
	Metadata batchObject  `json:"metadata"`
	Done     bool         `json:"done,omitempty"`
	Error    *status      `json:"error,omitempty"`
	Response *batchOutput `json:"response,omitempty"`
}

type status struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

type batchObject struct {
	Type        string       `json:"@type"`
	Model       string       `json:"model"`
	DisplayName string       `json:"displayName,omitempty"`
	Output      *batchOutput `json:"output,omitempty"`
	CreateTime  string       `json:"createTime"`
	EndTime     string       `json:"endTime,omitempty"`
	UpdateTime  string       `json:"updateTime"`
	Stats       *batchStats  `json:"batchStats,omitempty"`
	State       string       `json:"state"`
	Name        string       `json:"name"`
}

type batchOutput struct {
	Type          string `json:"@type,omitempty"`
	ResponsesFile string `json:"responsesFile,omitempty"`

	rows bool // they stand in it
}

// batchStats counts in texts. What is 0 is left out.
type batchStats struct {
	Requests   count `json:"requestCount,omitempty"`
	Successful count `json:"successfulRequestCount,omitempty"`
	Failed     count `json:"failedRequestCount,omitempty"`
	Pending    count `json:"pendingRequestCount,omitempty"`
}

type count int

// MarshalJSON writes a count as a text, as protobuf does one of 64 bits.
func (c count) MarshalJSON() ([]byte, error) { return json.Marshal(strconv.Itoa(int(c))) }

const typePrefix = "type.googleapis.com/google.ai.generativelanguage.v1main."

// kinds are what batches of an endpoint are called.
var kinds = map[string]string{contentEndpoint: "GenerateContentBatch", embedEndpoint: "EmbedContentBatch"}

// newOperation describes a batch, but for the rows that stand in it.
func newOperation(s protocol.Session, b protocol.Batch) operation {
	state := stateOf(b, s.Rules())
	kind := typePrefix + kinds[b.Endpoint]
	o := operation{Name: "batches/" + b.ID, Metadata: batchObject{
		Type: kind, Model: "models/" + aboutOf(b).Model, DisplayName: b.Name, CreateTime: timestamp(b.Created),
		EndTime: timestamp(b.EndedAt), UpdateTime: timestamp(updated(b)), Stats: statsOf(b), State: "BATCH_STATE_" + state, Name: "batches/" + b.ID,
	}}
	o.Done = b.Ended() || state == succeeded
	if !o.Done {
		return o
	}
	if o.Metadata.EndTime == "" {
		o.Metadata.EndTime = timestamp(b.FinalizingAt)
	}
	if o.Error = failureOf(b); b.Status == protocol.Expired || b.Status == protocol.Failed || b.OutputFile == "" {
		return o
	}
	o.Metadata.Output = outputOf(b, "")
	if o.Error == nil {
		o.Response = outputOf(b, kind+"Output")
	}
	return o
}

func outputOf(b protocol.Batch, kind string) *batchOutput {
	if b.Ordered {
		return &batchOutput{Type: kind, rows: true}
	}
	return &batchOutput{Type: kind, ResponsesFile: "files/" + b.OutputFile}
}

const succeeded = "SUCCEEDED"

// stateOf is the state. A batch made of a file has succeeded a while before its
// results can be read.
func stateOf(b protocol.Batch, rules protocol.Rules) string {
	switch b.Status {
	case protocol.Validating:
		return "PENDING"
	case protocol.Failed:
		return "FAILED"
	case protocol.Completed:
		return succeeded
	case protocol.Expired:
		return "EXPIRED"
	case protocol.Cancelled:
		return "CANCELLED"
	case protocol.Finalizing:
		if !b.Ordered && rules.Finalizing > 0 {
			return succeeded
		}
	}
	return "RUNNING"
}

// failureOf is why a batch has ended otherwise than well.
func failureOf(b protocol.Batch) *status {
	switch b.Status {
	case protocol.Cancelled:
		return &status{Code: 1, Message: "The operation was cancelled."}
	case protocol.Expired:
		return &status{Code: 4, Message: "The batch expired."}
	case protocol.Failed:
		if len(b.Errors) == 0 {
			return &status{Code: 13, Message: "Internal error encountered."}
		}
		return &status{Code: codeNamed(b.Errors[0].Code), Message: b.Errors[0].Message}
	}
	return nil
}

func statsOf(b protocol.Batch) *batchStats {
	c := b.Counts
	if c.Total == 0 {
		return nil
	}
	s := &batchStats{Requests: count(c.Total), Successful: count(c.Completed), Failed: count(c.Failed)}
	if !b.Ended() {
		s.Pending = count(c.Total - c.Completed - c.Failed)
	}
	return s
}

func updated(b protocol.Batch) (latest time.Time) {
	latest = b.Created
	for _, t := range []time.Time{b.InProgressAt, b.FinalizingAt, b.CancellingAt, b.EndedAt} {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// whole is a batch with its rows in it.
type whole struct {
	operation operation
	embeds    bool
	in        *os.File
}

// serve writes the rows into both places for them.
func (o whole) serve(w http.ResponseWriter, _ *http.Request) {
	defer func() { _ = o.in.Close() }()
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	out := bufio.NewWriterSize(w, 64<<10)
	defer func() { _ = out.Flush() }()
	response := o.operation.Response
	o.operation.Metadata.Output, o.operation.Response = nil, nil
	metadata, _ := json.Marshal(o.operation.Metadata)                 //nolint:errchkjson // plain fields
	rest, _ := json.Marshal(map[string]any{"name": o.operation.Name}) //nolint:errchkjson // a text
	write := func(parts ...string) {
		for _, part := range parts {
			_, _ = out.WriteString(part) // a client that went away needs no reply
		}
	}
	write(string(rest[:len(rest)-1]), `,"metadata":`, string(metadata[:len(metadata)-1]), `,"output":{`)
	o.rows(out)
	write(`}},"done":true`)
	if e := o.operation.Error; e != nil {
		text, _ := json.Marshal(e) //nolint:errchkjson // plain fields
		write(`,"error":`, string(text))
	}
	if response != nil {
		write(`,"response":{"@type":`, string(scan.AppendString(nil, response.Type)), ",")
		o.rows(out)
		write("}")
	}
	write("}\n")
}

// rows writes all rows as a member.
func (o whole) rows(out *bufio.Writer) {
	name := "inlinedResponses"
	if o.embeds {
		name = "inlinedEmbedContentResponses"
	}
	_, _ = out.WriteString(`"` + name + `":{"inlinedResponses":[`)
	if _, err := o.in.Seek(0, io.SeekStart); err != nil {
		return // which leaves the reply cut off
	}
	first := true
	for line, err := range scan.Lines(o.in) {
		if err != nil {
			return
		}
		if len(line.Text) == 0 {
			continue
		}
		if !first {
			_ = out.WriteByte(',')
		}
		first = false
		_, _ = out.Write(line.Text)
	}
	_, _ = out.WriteString("]}")
}
