package simulator

import (
	"encoding/json"
	"fmt"
	"os"
)

// A jsonLog appends JSON lines to a file.
type jsonLog struct{ file *os.File }

func openJSONLog(path string) (*jsonLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("simulator: open log: %w", err)
	}
	return &jsonLog{f}, nil
}

// append writes an entry at once and in one piece, so that entries of
// concurrent requests do not mix.
func (l *jsonLog) append(entry any) error {
	line, err := json.Marshal(entry)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("simulator: write log: %w", err)
	}
	return nil
}

func (l *jsonLog) close() error { return l.file.Close() }
