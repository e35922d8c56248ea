package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// lines is a file of JSON lines that survives the death of its writer: a line
// counts once its end is there.
type lines struct{ f *os.File }

// openLines passes the existing lines to each, and cuts a torn one off.
func openLines(path string, each func([]byte) error) (*lines, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	if err := eachLine(b[:whole], each); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.Truncate(int64(whole)); err != nil {
		return nil, err
	}
	_, err = f.Seek(0, 2)
	return &lines{f}, err
}

func eachLine(b []byte, each func([]byte) error) error {
	for line := range bytes.Lines(b) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			return nil // it is being written
		}
		if err := each(line); err != nil {
			return err
		}
	}
	return nil
}

// append writes a line. A provider that cannot is of no use.
func (l *lines) append(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = l.f.Write(append(b, '\n'))
	}
	if err != nil {
		panic(err)
	}
}

// appendAll writes lines in one call.
func appendAll[T any](l *lines, all []T) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, v := range all {
		if err := enc.Encode(v); err != nil {
			panic(err)
		}
	}
	if _, err := l.f.Write(b.Bytes()); err != nil {
		panic(err)
	}
}
