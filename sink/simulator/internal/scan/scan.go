// Package scan reads the JSON text and the lines of batch files in place, and
// writes JSON strings.
package scan

// A scanner walks JSON text in place. It allocates nothing, because every row
// of every batch goes through it several times: with encoding/json the
// simulator would need more of the machine than the client it is to test.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

// maxDepth is the nesting at which encoding/json gives up as well.
const maxDepth = 10_000

// Members calls visit with the raw text of each key, without its quotes, and
// of each value of the object that data consists of. It reports whether data
// is one valid JSON object.
func Members(data []byte, visit func(key, value []byte)) bool {
	s := scanner{data: data}
	s.space()
	return s.object(visit) && s.atEnd()
}

// Elements does for an array what Members does for an object.
func Elements(data []byte, visit func(value []byte)) bool {
	s := scanner{data: data}
	s.space()
	return s.array(visit) && s.atEnd()
}

func (s *scanner) atEnd() bool {
	s.space()
	return s.pos == len(s.data)
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// next consumes c if it comes next.
func (s *scanner) next(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) object(visit func(key, value []byte)) bool {
	if !s.next('{') || !s.enter() {
		return false
	}
	defer s.leave()
	if s.space(); s.next('}') {
		return true
	}
	for {
		s.space()
		from := s.pos
		if !s.text() {
			return false
		}
		key := s.data[from+1 : s.pos-1]
		if s.space(); !s.next(':') {
			return false
		}
		value, valid := s.value()
		if !valid {
			return false
		}
		if visit != nil {
			visit(key, value)
		}
		if s.space(); s.next('}') {
			return true
		}
		if !s.next(',') {
			return false
		}
	}
}

func (s *scanner) array(visit func(value []byte)) bool {
	if !s.next('[') || !s.enter() {
		return false
	}
	defer s.leave()
	if s.space(); s.next(']') {
		return true
	}
	for {
		value, valid := s.value()
		if !valid {
			return false
		}
		if visit != nil {
			visit(value)
		}
		if s.space(); s.next(']') {
			return true
		}
		if !s.next(',') {
			return false
		}
	}
}

func (s *scanner) enter() bool {
	s.depth++
	return s.depth <= maxDepth
}

func (s *scanner) leave() { s.depth-- }

// value consumes one value and returns its text.
func (s *scanner) value() (text []byte, valid bool) {
	s.space()
	if s.pos == len(s.data) {
		return nil, false
	}
	from := s.pos
	switch s.data[s.pos] {
	case '{':
		valid = s.object(nil)
	case '[':
		valid = s.array(nil)
	case '"':
		valid = s.text()
	case 't':
		valid = s.word("true")
	case 'f':
		valid = s.word("false")
	case 'n':
		valid = s.word("null")
	default:
		valid = s.number()
	}
	return s.data[from:s.pos], valid
}

func (s *scanner) word(w string) bool {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

func (s *scanner) number() bool {
	s.next('-')
	if !s.next('0') && !s.digits() {
		return false
	}
	if s.next('.') && !s.digits() {
		return false
	}
	if s.next('e') || s.next('E') {
		if !s.next('+') {
			s.next('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > from
}

// Member returns the value of a member, nil if the data are no object with it.
// Of several with the name it is the last.
func Member(data []byte, name string) (found []byte) {
	Members(data, func(key, value []byte) {
		if string(key) == name {
			found = value
		}
	})
	return found
}
