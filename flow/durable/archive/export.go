package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// RowFormat appends one request in the format of the provider's batch files,
// for example openai.AppendRow.
type RowFormat func(dst []byte, endpoint string, row sink.Row) ([]byte, error)

// Format says how requests are written: chats by the Codec of their provider,
// and each as a Row.
type Format struct {
	Codec llm.Codec
	Row   RowFormat
	// Others are the formats of further providers of the run, by their name.
	Others map[string]Format
}

// of returns the format of a provider.
func (f Format) of(provider string) Format {
	if other, ok := f.Others[provider]; ok {
		return other
	}
	return f
}

// Manifest lists what an export holds. It becomes manifest.json, which is
// written last.
type Manifest struct {
	Run      string            `json:"run"`
	Provider string            `json:"provider"`
	Settings map[string]string `json:"settings,omitempty"`
	Batches  []ExportedBatch   `json:"batches"` // in the order in which they were bought
}

// ExportedBatch is a batch and the files of its rows.
type ExportedBatch struct {
	Tag      string    `json:"tag"`             // every custom_id begins with it
	Batch    string    `json:"batch,omitempty"` // the provider's name for it; none if it was not bought
	State    string    `json:"state"`           // such as "submitted"
	Endpoint string    `json:"endpoint"`
	Model    string    `json:"model"`
	SentAt   time.Time `json:"sent_at,omitzero"`
	Rows     int       `json:"rows"`
	Requests string    `json:"requests"`          // file with a line for each request, as the provider gets it
	Outputs  string    `json:"outputs,omitempty"` // file with an ExportedRow a line; "" before the results are downloaded
	Answered int       `json:"answered"`          // lines of Outputs

	// Raw are files with what the provider has sent, line by line as it came:
	// the lines of its files, and its objects of the batches under the tag.
	// There are none unless the run had Job.KeepRaw when the results came.
	Raw map[sink.RawPart]string `json:"raw,omitempty"`

	// Error is why the provider refuses the batch so far, or why its rows have
	// failed with it. Nil means that it took the batch in the end.
	Error    *sink.RowError `json:"error,omitempty"`
	Errors   []BatchError   `json:"errors,omitempty"`   // all that went wrong with batches of the tag, in that order
	Refusals int            `json:"refusals,omitempty"` // times that it was refused as a whole: nothing ran
	Refused  []string       `json:"refused,omitempty"`  // the provider's names for the batches that were
	Surplus  []string       `json:"surplus,omitempty"`  // further batches with the tag, bought because an answer was lost
}

// ExportedRow is what the provider said about a row. The item may have been
// retried afterwards.
type ExportedRow struct {
	CustomID string          `json:"custom_id"`
	ID       string          `json:"id"`               // the item's key
	Status   int             `json:"status"`           // of the row's own call, 0 if it never ran
	Origin   string          `json:"origin,omitempty"` // the other batch that it was taken from, of this job or another
	Error    *sink.RowError  `json:"error,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"` // unchanged
}

// Export writes the requests of all batches and the provider's answers to a
// directory, with a manifest, which has the errors of batches. Bodies of
// answers are as they came. Of a run with Job.KeepRaw, the provider's own lines
// around them, and its objects of batches, are exported too. The directory must
// be new or empty. Files get the mode 0600, because they hold the user's data.
func (a *Archive) Export(ctx context.Context, dir string, format Format) (Manifest, error) {
	m := Manifest{Run: a.Meta.Name, Provider: a.Meta.Provider, Settings: a.Meta.Settings}
	if a.Pruned != nil {
		return m, isPruned(a)
	}
	root, err := newDir(dir)
	if err != nil {
		return m, fmt.Errorf("durable: export: %w", err)
	}
	err = a.export(ctx, root, format, &m)
	if err != nil {
		err = fmt.Errorf("durable: export: %w", err)
	}
	return m, errors.Join(err, root.Close())
}

// newDir makes a directory that only the caller uses.
func newDir(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return nil, fmt.Errorf("%s holds %s: choose a directory that is empty or new", dir, found[0].Name())
	}
	return os.OpenRoot(dir)
}

const (
	exportRequests = "requests"
	exportOutputs  = "outputs"
)

func (a *Archive) export(ctx context.Context, root *os.Root, format Format, m *Manifest) error {
	failures, err := a.batchErrors()
	for _, dir := range []string{exportRequests, exportOutputs, exportRaw} {
		err = errors.Join(err, atomicfile.Mkdir(root, dir))
	}
	if err != nil {
		return err
	}
	for _, in := range a.byTime() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b, err := a.exportBatch(root, format, in)
		if err != nil {
			return fmt.Errorf("batch %s: %w", in.Tag, err)
		}
		b.Errors = failures[in.Tag]
		m.Batches = append(m.Batches, b)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(root, "manifest.json", append(text, '\n'))
}

func (a *Archive) byTime() []intent.Intent {
	return slices.SortedFunc(maps.Values(a.Intents), func(a, b intent.Intent) int {
		if c := a.SentAt.Compare(b.SentAt); c != 0 {
			return c
		}
		return strings.Compare(a.Tag, b.Tag)
	})
}

func (a *Archive) exportBatch(root *os.Root, format Format, in intent.Intent) (ExportedBatch, error) {
	l := a.Routes[in.Route]
	b := ExportedBatch{
		Tag: in.Tag, Batch: in.Batch, State: string(in.State), Endpoint: l.Endpoint, Model: l.Model,
		SentAt: in.SentAt, Rows: in.Rows, Requests: exportRequests + "/" + in.Tag + ".jsonl",
		Error: errorOf(&in), Refusals: in.Refusals, Refused: in.Past, Surplus: in.Surplus,
	}
	err := writeLines(root, b.Requests, func(w *bufio.Writer) error { return a.writeRequests(w, format, in, l) })
	if err != nil {
		return b, err
	}
	if b.Raw, err = a.exportRaw(root, in); err != nil {
		return b, err
	}
	switch _, err := a.Root.Stat(jobdir.ResultName(in.Tag)); {
	case errors.Is(err, fs.ErrNotExist):
		return b, nil
	case err != nil:
		return b, err
	}
	b.Outputs = exportOutputs + "/" + in.Tag + ".jsonl"
	err = writeLines(root, b.Outputs, func(w *bufio.Writer) error {
		b.Answered, err = a.writeOutputs(w, in)
		return err
	})
	return b, err
}

func writeLines(root *os.Root, name string, fill func(*bufio.Writer) error) error {
	return atomicfile.Create(root, name, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 256<<10)
		return errors.Join(fill(w), w.Flush())
	})
}

func (a *Archive) writeRequests(w io.Writer, format Format, in intent.Intent, l jobdir.Route) error {
	var file jobdir.OpenFile
	defer file.Close()
	var buf []byte
	format = format.of(l.Provider)
	for rows, err := range a.Requests(in) {
		if err != nil {
			return err
		}
		together, err := a.readRequests(&file, rows)
		if err != nil {
			return err
		}
		if together[0].Chat != nil && (format.Codec == nil || format.Codec.Endpoint() != l.Endpoint) {
			return fmt.Errorf("it was sent to %s, for which Format.Codec writes no chats", l.Endpoint)
		}
		id := jobdir.RequestHash(rows)
		body, err := jobdir.EncodeRequest(together, id, format.Codec, l)
		if err != nil {
			return fmt.Errorf("line %d: %w", rows[0].Line, err)
		}
		if buf, err = format.Row(buf[:0], l.Endpoint, sink.Row{ID: jobdir.RowID(in.Tag, id), Body: body}); err != nil {
			return err
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// readRequests reads the requests of rows that share one.
func (a *Archive) readRequests(file *jobdir.OpenFile, rows []jobdir.Entry) (requests []jobdir.Request, err error) {
	for i := range rows {
		record, err := file.ReadRequest(&a.Dir, rows[i].Ref)
		if err != nil {
			return nil, err
		}
		request, err := rows[i].Request(record)
		if err == nil {
			err = a.Fill(&request)
		}
		if err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// requestIDs returns the custom id of each row of a batch, which is that of its
// request.
func (a *Archive) requestIDs(in intent.Intent) (ids []string, err error) {
	for rows, err := range a.Requests(in) {
		if err != nil {
			return nil, err
		}
		id := jobdir.RowID(in.Tag, jobdir.RequestHash(rows))
		for range rows {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (a *Archive) writeOutputs(w io.Writer, in intent.Intent) (n int, err error) {
	entries, err := a.Entries(in.Tag, in.Rows)
	if err != nil {
		return 0, err
	}
	ids, err := a.requestIDs(in)
	if err != nil {
		return 0, err
	}
	for o, err := range a.Outcomes(in) {
		if err != nil || o.At < 0 { // the rest has no answer
			return n, err
		}
		row := ExportedRow{CustomID: ids[o.Row], ID: entries[o.Row].Key, Status: o.Status, Origin: o.Origin, Error: o.Err}
		line, err := row.line(o.Body)
		if err != nil {
			return n, err
		}
		if _, err := w.Write(line); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// line returns the row in JSON, with its body unchanged.
func (r *ExportedRow) line(body []byte) ([]byte, error) {
	line, err := json.Marshal(r)
	if err != nil || len(body) == 0 {
		return append(line, '\n'), err
	}
	line = append(bytes.TrimSuffix(line, []byte("}")), `,"body":`...)
	return append(append(line, body...), "}\n"...), nil
}
