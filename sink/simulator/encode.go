package simulator

import (
	"strconv"
	"unicode/utf8"
)

// appendResult appends the line of a row that ran.
func (r *results) appendResult(b, customID []byte, p params, req Row, reply Reply) []byte {
	if e := reply.Error; e != nil && e.Status == 0 {
		return r.appendFailure(b, customID, e.Code, e.Message)
	}
	number := int64(r.completed + r.failed)
	b = r.appendHead(b, customID)
	b = append(b, `{"status_code":`...)
	if reply.Error != nil {
		b = strconv.AppendInt(b, int64(reply.Error.Status), 10)
	} else {
		b = append(b, "200"...)
	}
	b = append(b, `,"request_id":"req_`...)
	b = append(b, r.b.ID...)
	b = append(b, '_')
	b = strconv.AppendInt(b, number, 10)
	b = append(b, `","body":`...)
	switch {
	case reply.Body != nil:
		b = append(b, reply.Body...)
	case reply.Error != nil:
		b = appendErrorBody(b, *reply.Error)
	default:
		b = r.appendAnswer(b, p, req, reply)
	}
	return append(b, "},\"error\":null}\n"...)
}

// appendFailure appends the line of a row that gave no response.
func (r *results) appendFailure(b, customID []byte, code, message string) []byte {
	b = r.appendHead(b, customID)
	b = append(b, `null,"error":{"code":`...)
	b = appendString(b, code)
	b = append(b, `,"message":`...)
	b = appendString(b, message)
	return append(b, "}}\n"...)
}

func (r *results) appendHead(b, customID []byte) []byte {
	b = append(b, `{"id":"batch_req_`...)
	b = append(b, r.b.ID...)
	b = append(b, '_')
	b = strconv.AppendInt(b, int64(r.output.lines+r.errors.lines), 10)
	b = append(b, `","custom_id":`...)
	b = append(b, customID...) // as the client wrote it
	return append(b, `,"response":`...)
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
