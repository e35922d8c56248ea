package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrDamaged means that a line does not hold what was written.
var ErrDamaged = errors.New("journal: damaged")

// A line is {"crc":"01234567","record":...} byte for byte, so that no flipped
// bit of it goes unnoticed.
const (
	head  = `{"crc":"`
	neck  = `","record":`
	tail  = "}\n"
	start = len(head) + 8 + len(neck) // of the record
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encode(record []byte) []byte {
	return fmt.Appendf(nil, "%s%08x%s%s%s", head, crc32.Checksum(record, castagnoli), neck, record, tail)
}

func decode(line []byte) (record []byte, err error) {
	if len(line) < start+len(tail) {
		return nil, errors.New("too short")
	}
	record = line[start : len(line)-len(tail)]
	if !bytes.Equal(line, encode(record)) {
		return nil, errors.New("checksum")
	}
	if !json.Valid(record) {
		return nil, errors.New("not JSON")
	}
	return record, nil
}

// read replays all whole lines and returns where they end.
func read(f io.Reader, replay func([]byte) error) (end int64, err error) {
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, checkTorn(line, n)
		}
		if err != nil {
			return end, err
		}
		record, err := decode(line)
		if err != nil {
			return end, fmt.Errorf("%w: line %d: %w", ErrDamaged, n, err)
		}
		if err := replay(record); err != nil {
			return end, fmt.Errorf("line %d: %w", n, err)
		}
		end += int64(len(line))
	}
}

// checkTorn tells a line of which the end was not written from one whose
// newline was, and is damaged.
func checkTorn(line []byte, n int) error {
	if len(line) < start {
		return nil
	}
	line[len(line)-1] = '\n'
	if _, err := decode(line); err == nil {
		return fmt.Errorf("%w: line %d: no newline", ErrDamaged, n)
	}
	return nil
}
