package durable

import (
	"errors"
	"fmt"
	"os"
)

// mustOwnOutput refuses an output file that belongs to another run of the state
// directory which has not ended.
func (c *config) mustOwnOutput() error {
	path := outputPath(c.output)
	if path == "" {
		return nil
	}
	runs, err := runsIn(c.store.Path())
	if err != nil {
		return err
	}
	for i := range runs {
		s := &runs[i]
		if s.Name == c.name || s.Ended() || s.Batches == 0 || !sameFile(s.Output, path) {
			continue
		}
		return &MismatchError{Reason: fmt.Sprintf("output %s is that of the run %q, which has not ended: choose another", path, s.Name)}
	}
	return nil
}

// sameFile reports whether two paths name the same file, also through links.
func sameFile(a, b string) bool {
	if a == "" || a == b {
		return a == b
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errors.Join(errX, errY) == nil && os.SameFile(x, y)
}
