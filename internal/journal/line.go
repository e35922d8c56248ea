package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
)

// ErrDamaged means that a line does not hold what was written, or belongs to
// another journal.
var ErrDamaged = errors.New("journal: damaged")

// A line is {"v":2,"crc":"01234567","of":"WHOSE","n":1,"record":...} byte for
// byte, so that no flipped bit of it goes unnoticed. It names its journal and
// its number, so that neither a line of another one nor a missing one does.
const (
	head = `{"v":2,"crc":"`
	neck = `","of":"`
	tail = "}\n"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// line is what stands in one.
type line struct {
	of     string // names the journal: letters and digits
	n      int    // from 1 on
	record []byte // JSON
}

func encode(l line) []byte {
	body := fmt.Appendf(nil, `%s","n":%d,"record":%s`, l.of, l.n, l.record)
	return fmt.Appendf(nil, "%s%08x%s%s%s", head, crc32.Checksum(body, castagnoli), neck, body, tail)
}

func decode(b []byte) (l line, err error) {
	if !bytes.HasPrefix(b, []byte(head)) {
		return l, errors.New("it is of another version, or damaged")
	}
	const start = len(head) + 8 + len(neck)
	if len(b) < start+len(tail) {
		return l, errors.New("too short")
	}
	of, rest, ok := bytes.Cut(b[start:len(b)-len(tail)], []byte(`","n":`))
	number, record, found := bytes.Cut(rest, []byte(`,"record":`))
	if !ok || !found {
		return l, errors.New("not a line of a journal")
	}
	l.of, l.record = string(of), record
	if l.n, err = strconv.Atoi(string(number)); err != nil || !bytes.Equal(b, encode(l)) {
		return l, errors.New("checksum")
	}
	if !json.Valid(record) {
		return l, errors.New("not JSON")
	}
	return l, nil
}

// reader replays the lines of one journal.
type reader struct {
	of    string // "" until a line says it
	lines int
	end   int64 // of the last whole line
}

// read replays all whole lines, and notes where they end.
func (r *reader) read(f io.Reader, replay func([]byte) error) error {
	br := bufio.NewReader(f)
	for n := 1; ; n++ {
		b, err := br.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return checkTorn(b, n)
		}
		if err != nil {
			return err
		}
		l, err := decode(b)
		if err == nil {
			err = r.take(l, n)
		}
		if err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrDamaged, n, err)
		}
		if err := replay(l.record); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		r.end += int64(len(b))
	}
}

// take refuses a line that is not the nth of this journal.
func (r *reader) take(l line, n int) error {
	if r.of == "" {
		r.of = l.of
	}
	switch {
	case l.of != r.of:
		return errors.New("it is of another journal")
	case l.n != n:
		return fmt.Errorf("it was written as line %d", l.n)
	}
	r.lines = n
	return nil
}

// checkTorn tells a line whose end was not written from one whose newline was
// written and that is damaged.
func checkTorn(b []byte, n int) error {
	if len(b) == 0 {
		return nil
	}
	b[len(b)-1] = '\n'
	if _, err := decode(b); err == nil {
		return fmt.Errorf("%w: line %d: no newline", ErrDamaged, n)
	}
	return nil
}
