package simulator

import (
	"strconv"
	"unicode/utf8"
)

// An encoder writes the lines of result files by hand: reflection would cost
// more than all the rest of a row.
type encoder struct {
	batch   string // id, part of the ids of lines and answers
	created int64  // unix time of the answers
	serial  int    // of the line
}

// appendResult appends the line of a row that ran.
func (e *encoder) appendResult(b, customID []byte, req Row, reply Reply) []byte {
	if reply.Raw != nil {
		return e.appendRaw(b, customID, reply.Raw)
	}
	if failure := reply.Error; failure != nil && failure.Status == 0 {
		return e.appendFailure(b, customID, failure.Code, failure.Message)
	}
	b = e.appendHead(b, customID)
	b = append(b, `{"status_code":`...)
	b = strconv.AppendInt(b, int64(reply.status()), 10)
	b = append(b, `,"request_id":"req_`...)
	b = e.appendSerial(b)
	b = append(b, `","body":`...)
	switch {
	case reply.Body != nil:
		b = append(b, reply.Body...)
	case reply.Error != nil:
		b = appendErrorBody(b, *reply.Error)
	default:
		b = e.appendAnswer(b, req, reply)
	}
	return append(b, "},\"error\":null}\n"...)
}

// appendFailure appends the line of a row that gave no response.
func (e *encoder) appendFailure(b, customID []byte, code, message string) []byte {
	b = e.appendHead(b, customID)
	b = append(b, `null,"error":{"code":`...)
	b = appendString(b, code)
	b = append(b, `,"message":`...)
	b = appendString(b, message)
	return append(b, "}}\n"...)
}

// appendRaw appends a line with members of somebody else's making.
func (e *encoder) appendRaw(b, customID, members []byte) []byte {
	b = append(e.appendID(b, customID), ',')
	return append(append(b, members...), "}\n"...)
}

func (e *encoder) appendHead(b, customID []byte) []byte {
	return append(e.appendID(b, customID), `,"response":`...)
}

func (e *encoder) appendID(b, customID []byte) []byte {
	e.serial++
	b = append(b, `{"id":"batch_req_`...)
	b = e.appendSerial(b)
	b = append(b, `","custom_id":`...)
	return append(b, customID...) // as the client wrote it
}

// appendSerial appends what makes the ids of this line unique.
func (e *encoder) appendSerial(b []byte) []byte {
	b = append(b, e.batch...)
	b = append(b, '_')
	return strconv.AppendInt(b, int64(e.serial), 10)
}

func appendErrorBody(b []byte, e RowError) []byte {
	kind := "invalid_request_error"
	switch {
	case e.Status == 429:
		kind = "requests"
	case e.Status >= 500:
		kind = "server_error"
	}
	b = append(b, `{"error":{"message":`...)
	b = appendString(b, e.Message)
	b = append(b, `,"type":`...)
	b = appendString(b, kind)
	b = append(b, `,"param":null,"code":`...)
	b = appendString(b, e.Code)
	return append(b, "}}"...)
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // replaces what is not UTF-8
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}
