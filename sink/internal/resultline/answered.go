package resultline

import (
	"bytes"

	"github.com/balerhq/baler/internal/jsonscan"
	"github.com/balerhq/baler/sink"
)

// parseAnswered reads the line of a row that was answered with a status, which most
// are. Parse does the same in more time. It reports false for anything else.
func parseAnswered(line []byte) (o sink.Outcome, ok bool) {
	responses := 0
	ok = jsonscan.Read(line, func(s *jsonscan.Scanner) {
		for name := range s.Members() {
			switch string(name) {
			case IDMember:
				o.ID = s.Text()
			case "response":
				responses++
				readResponse(s, &o)
			case "error":
				s.Null()
			default:
				s.Value()
			}
		}
	})
	if !ok || responses != 1 || o.Status == 0 {
		return sink.Outcome{}, false
	}
	o.Body = bytes.Clone(o.Body)
	return o, true
}

func readResponse(s *jsonscan.Scanner, o *sink.Outcome) {
	for name := range s.Members() {
		switch string(name) {
		case "status_code":
			o.Status = s.Int()
		case "body":
			o.Body = s.Value()
		default:
			s.Value()
		}
	}
}
