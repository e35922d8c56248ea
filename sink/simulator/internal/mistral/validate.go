package mistral

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// Validate checks the input of b: that it has rows and that each is one. What
// is in their bodies they find out when they run.
func (Protocol) Validate(s protocol.Session, b protocol.Batch) (protocol.Verdict, error) {
	d := jobDataOf(b)
	v := validation{rules: s.Rules(), inline: d.Inline, seen: make(map[string]bool)}
	v.Model = cmp.Or(d.Model, d.Agent)
	err := v.input(s, b.InputFile)
	return v.Verdict, err
}

// Full says that no more rows can be enqueued.
func (Protocol) Full(r *protocol.RefusalError) protocol.LineError {
	if r.Cause == protocol.EnqueuedTokens {
		return protocol.LineError{Message: fmt.Sprintf("Limit of pending requests exceeded: at most %d tokens of %s", r.Limit, r.Model)}
	}
	return protocol.LineError{Message: pendingLimit(r)}
}

// A validation collects what is wrong with an input.
type validation struct {
	protocol.Verdict
	rules  protocol.Rules
	inline bool
	seen   map[string]bool // custom ids
}

func (v *validation) report(format string, args ...any) {
	v.Errors = append(v.Errors, protocol.LineError{Message: fmt.Sprintf(format, args...)})
}

func (v *validation) input(s protocol.Session, id string) error {
	f, found := s.File(id)
	if !found {
		v.report("File %s not found", id)
		return nil
	}
	if f.Bytes > v.rules.BatchBytes {
		v.report("The file is too large: at most %d bytes", v.rules.BatchBytes)
		return nil
	}
	in, err := s.Open(f)
	if errors.Is(err, fs.ErrNotExist) { // deleted before validation began
		v.report("File %s not found", id)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return v.file(in)
}

func (v *validation) file(in io.Reader) error {
	for line, err := range scan.Lines(in) {
		if err != nil {
			return err
		}
		if len(line.Text) == 0 {
			continue
		}
		v.Rows++
		v.line(line.Text)
	}
	if v.Rows == 0 {
		v.report("Invalid file: it has no requests")
	}
	return nil
}

func (v *validation) line(text []byte) {
	r, valid := parseRow(text)
	id, isText := scan.Unquote(r.customID)
	switch {
	case !valid:
		v.report("Invalid JSON")
	case r.extra != "":
		v.report("Invalid request: extra inputs are not permitted: %s", r.extra)
	case !bytes.HasPrefix(r.body, []byte("{")):
		v.report("Invalid request: body is required")
	case r.customID == nil && v.inline: // it has none
	case !isText || id == "":
		v.report("Invalid request: custom_id is required")
	case v.seen[id]:
		v.report("Invalid request: duplicate custom_id")
	}
	v.seen[id] = true
	v.Tokens += protocol.EstimateTokens(len(r.body))
}
