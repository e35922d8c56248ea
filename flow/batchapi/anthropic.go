package batchapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/atomicfile"
)

// messagesEndpoint is what the rows of Anthropic's batches call.
const messagesEndpoint = "/v1/messages"

// createMessages makes a batch of the requests in the call, which go to the disk
// as they come. Their ids are checked now, and what they ask when they are read.
func (s *Server) createMessages(c *call) error {
	if err := c.mustBeJSON(); err != nil {
		return err
	}
	account, err := s.connect(c)
	if err != nil {
		return err
	}
	s.sweep() // room is wanted
	now := time.Now()
	input := file{ID: newID("file_"), Owner: c.owner, Purpose: purposeBatch, Created: now, Expires: now.Add(s.cfg.Keep)}
	var rows int
	err = atomicfile.Create(s.root, content(input.ID), func(to *os.File) error {
		body := http.MaxBytesReader(nil, c.r.Body, s.cfg.MaxUpload)
		if rows, err = writeRequests(to, body, source.MaxRow); err != nil {
			return err
		}
		input.Bytes, err = to.Seek(0, io.SeekCurrent)
		return err
	})
	if _, isLarge := errors.AsType[*http.MaxBytesError](err); isLarge {
		return &apiError{status: http.StatusRequestEntityTooLarge, message: fmt.Sprintf("Request exceeds the maximum size of %d bytes", s.cfg.MaxUpload)}
	}
	if err == nil {
		err = s.addFile(input)
	}
	if err != nil {
		return errors.Join(err, s.drop(content(input.ID)))
	}
	b, err := s.add(record{
		ID: newID("msgbatch_"), Protocol: Anthropic, Owner: c.owner, HadKey: c.caller.Key() != "", Version: c.caller.Version, Endpoint: messagesEndpoint, Input: input.ID,
		Status: validating, Created: now, Expires: now.Add(window), Rows: rows,
	})
	if err != nil {
		return errors.Join(err, s.removeFile(input.ID))
	}
	r := b.snapshot()
	s.start(b, &account)
	writeJSON(c.w, http.StatusOK, messagesObject(c, &r))
	return nil
}

var customID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// writeRequests writes the requests of a creation as the lines of a file, of
// that many bytes at most.
func writeRequests(w io.Writer, body io.Reader, most int) (rows int, err error) {
	in := jsontext.NewDecoder(body)
	seen := make(map[string]struct{})
	err = members(in, func(name string) error {
		if name != "requests" {
			return invalid("", "", "%s: Extra inputs are not permitted", name)
		}
		return elements(in, func() error {
			var request struct {
				CustomID string          `json:"custom_id"`
				Params   json.RawMessage `json:"params"`
			}
			value, err := in.ReadValue()
			if err == nil {
				err = json.Unmarshal(value, &request)
			}
			if err != nil {
				return err
			}
			_, twice := seen[request.CustomID]
			switch {
			case !customID.MatchString(request.CustomID):
				return invalid("", "", "requests.%d.custom_id: String should match pattern '%s'", rows, customID)
			case twice:
				return invalid("", "", "requests.%d.custom_id: The custom_id '%s' is used more than once", rows, request.CustomID)
			case !strings.HasPrefix(string(request.Params), "{"):
				return invalid("", "", "requests.%d.params: Input should be a valid dictionary", rows)
			}
			seen[request.CustomID] = struct{}{}
			rows++
			data, err := json.Marshal(row{CustomID: request.CustomID, URL: messagesEndpoint, Body: request.Params})
			if err == nil && len(data) > most {
				err = &apiError{status: http.StatusRequestEntityTooLarge, message: fmt.Sprintf("requests.%d: Request exceeds the maximum size of %d bytes", rows-1, most)}
			}
			if err == nil {
				_, err = w.Write(append(data, '\n'))
			}
			return err
		})
	})
	if err == nil {
		err = mustEnd(in)
	}
	_, isLarge := errors.AsType[*http.MaxBytesError](err)
	_, said := errors.AsType[*apiError](err)
	_, onDisk := errors.AsType[*os.PathError](err)
	switch {
	case err != nil && !isLarge && !said && !onDisk:
		err = invalid("", "", "The request body is not valid JSON: %v", err)
	case err == nil && rows == 0:
		err = invalid("", "", "requests: List should have at least 1 item")
	}
	return rows, err
}

func mustEnd(in *jsontext.Decoder) error {
	token, err := in.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("there is a %s after its end", token.Kind())
}

// members reads an object, and calls read for each member at its value.
func members(in *jsontext.Decoder, read func(name string) error) error {
	if err := expect(in, '{'); err != nil {
		return err
	}
	for in.PeekKind() == '"' {
		name, err := in.ReadToken()
		if err != nil {
			return err
		}
		if err := read(name.String()); err != nil {
			return err
		}
	}
	return expect(in, '}')
}

// elements reads an array, and calls read at each element.
func elements(in *jsontext.Decoder, read func() error) error {
	if err := expect(in, '['); err != nil {
		return err
	}
	for kind := in.PeekKind(); kind != ']' && kind != 0; kind = in.PeekKind() {
		if err := read(); err != nil {
			return err
		}
	}
	return expect(in, ']')
}

func expect(in *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := in.ReadToken()
	if err == nil && token.Kind() != kind {
		err = fmt.Errorf("there is a %s in the place of a %s", token.Kind(), kind)
	}
	return err
}

// messagesBatch is a batch as Anthropic shows it.
type messagesBatch struct {
	ID                string        `json:"id"`
	Type              string        `json:"type"`
	ProcessingStatus  string        `json:"processing_status"`
	RequestCounts     messageCounts `json:"request_counts"`
	EndedAt           *string       `json:"ended_at"`
	CreatedAt         string        `json:"created_at"`
	ExpiresAt         string        `json:"expires_at"`
	ArchivedAt        *string       `json:"archived_at"`
	CancelInitiatedAt *string       `json:"cancel_initiated_at"`
	ResultsURL        *string       `json:"results_url"`
}

// messageCounts are of rows. Until the batch has ended, all are processing.
type messageCounts struct {
	Processing int `json:"processing"`
	Succeeded  int `json:"succeeded"`
	Errored    int `json:"errored"`
	Canceled   int `json:"canceled"`
	Expired    int `json:"expired"`
}

func messagesObject(c *call, r *record) messagesBatch {
	o := messagesBatch{
		ID: r.ID, Type: "message_batch", ProcessingStatus: "in_progress", RequestCounts: messageCounts{Processing: r.Rows},
		CreatedAt: timestamp(r.Created), ExpiresAt: timestamp(r.Expires), EndedAt: optionalTime(r.Ended), CancelInitiatedAt: optionalTime(r.Cancelling),
	}
	switch {
	case r.ended():
		o.ProcessingStatus, o.RequestCounts = "ended", messageCounts{Succeeded: r.Counts.Succeeded, Errored: r.Counts.Failed}
		if r.Status == expired {
			o.RequestCounts.Expired = r.Counts.NotRun
		} else {
			o.RequestCounts.Canceled = r.Counts.NotRun
		}
		results := here(c.r) + anthropicPath + "/" + r.ID + "/results"
		o.ResultsURL = &results
	case r.Status == cancelling:
		o.ProcessingStatus = "canceling"
	}
	return o
}

// here is the address under which a caller knows the paths of the Server: in
// front of it there may be what a proxy has cut off.
func here(r *http.Request) string {
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	if prefix, cut := strings.CutSuffix(asked, r.URL.EscapedPath()); cut {
		return u.String() + prefix
	}
	return u.String()
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

// optionalTime is null for the zero time.
func optionalTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return optional(timestamp(t))
}

func (s *Server) getMessages(c *call) error {
	b, err := s.find(c)
	if err != nil {
		return err
	}
	r := b.snapshot()
	writeJSON(c.w, http.StatusOK, messagesObject(c, &r))
	return nil
}

func (s *Server) listMessages(c *call) error {
	all := s.all(func(r *record) bool { return r.Owner == c.owner && !r.Deleted })
	p, objects, err := s.listed(c, all, 1000, func(r *record) any { return messagesObject(c, r) })
	if err == nil {
		writeJSON(c.w, http.StatusOK, p.anthropic(objects))
	}
	return err
}

func (s *Server) cancelMessages(c *call) error {
	b, err := s.find(c)
	if err != nil {
		return err
	}
	r, err := s.cancel(b)
	if err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, messagesObject(c, &r))
	return nil
}

func (s *Server) deleteMessages(c *call) error {
	b, err := s.find(c)
	if err != nil {
		return err
	}
	r := b.snapshot()
	if !r.ended() {
		return conflict("The batch '%s' has not ended: cancel it first.", r.ID)
	}
	if err := s.delete(b); err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, map[string]any{"id": r.ID, "type": "message_batch_deleted"})
	return nil
}

func (s *Server) getResults(c *call) error {
	b, err := s.find(c)
	if err != nil {
		return err
	}
	r := b.snapshot()
	if !r.ended() {
		return notFound("The batch '%s' has no results yet: it has not ended.", r.ID)
	}
	return s.send(c, r.Output, "application/x-jsonl")
}
