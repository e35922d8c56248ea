package gemini

import (
	"errors"
	"io/fs"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// Validate checks the input of b: that each line is an object with a request,
// and that no two ask for different schemas.
// What is wrong with a request fails only its row. Keys may repeat.
func (Protocol) Validate(s protocol.Session, b protocol.Batch) (protocol.Verdict, error) {
	v := protocol.Verdict{Model: aboutOf(b).Model}
	refuse := func(format string, args ...any) {
		v.Errors = append(v.Errors, protocol.LineError{Code: "INVALID_ARGUMENT", Message: invalid(format, args...).message})
	}
	f, found := s.File(b.InputFile)
	if !found {
		v.Errors = []protocol.LineError{{Code: "NOT_FOUND", Message: hidden(b.InputFile).message}}
		return v, nil
	}
	in, err := s.Open(f)
	if errors.Is(err, fs.ErrNotExist) { // deleted before validation began
		v.Errors = []protocol.LineError{{Code: "NOT_FOUND", Message: hidden(b.InputFile).message}}
		return v, nil
	}
	if err != nil {
		return v, err
	}
	defer func() { _ = in.Close() }()
	var schemas oneSchema
	for line, err := range scan.Lines(in) {
		if err != nil {
			return v, err
		}
		if len(line.Text) == 0 {
			continue
		}
		r := parseRow(line.Text)
		v.Rows++
		v.Tokens += protocol.EstimateTokens(len(r.request))
		if most := s.Rules().Rows; most > 0 && v.Rows > most {
			v.Errors = nil
			refuse("The input size exceeds the limit: it has more than %d requests.", most)
			return v, nil
		}
		if r.problem != "" {
			refuse("Line %s of the input file: %s", strconv.Itoa(line.Number), r.problem)
		}
		if schemas.differs(r.request) {
			refuse("Line %d of the input file: all requests of a batch must have the same response schema.", line.Number)
		}
	}
	if v.Rows == 0 {
		refuse("The input file has no requests.")
	}
	return v, nil
}

// Full says that no more tokens or rows can be enqueued.
func (Protocol) Full(r *protocol.RefusalError) protocol.LineError {
	return protocol.LineError{Code: "RESOURCE_EXHAUSTED", Message: words(r)}
}

// row is a line of an input, or an element of one that was in a request.
type row struct {
	key     []byte // raw, nil if there is none
	request []byte
	problem string // why it is none
}

func parseRow(line []byte) (r row) {
	var read reader
	var metadata []byte
	read.object("", line, members{"key": &r.key, "request": &r.request, "metadata": &metadata})
	if metadata != nil {
		scan.Members(metadata, func(key, value []byte) {
			if string(key) == "key" {
				r.key = value
			}
		})
	}
	switch {
	case read.err != nil:
		r.problem = read.err.message
	case r.request == nil:
		r.problem = "request is not specified"
	case len(r.key) > 0 && r.key[0] != '"':
		r.problem = "key must be a string"
	}
	return r
}
