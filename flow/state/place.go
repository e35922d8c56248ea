package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrCopy means that a directory is a copy of another, which is still there:
// what one of them does, the other does not know.
var ErrCopy = errors.New("state: directory is a copy")

// settle notes that the directory is at path now. It is refused if it was
// elsewhere before and is there still. One that was moved, or whose original is
// gone, is welcome, and so is one that was put back from a copy to the same
// path: of these its files cannot tell how old they are.
func (id *identity) settle(path string) error {
	here, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if id.Place != "" && id.Place != here && id.isAt(id.Place) && !same(id.Place, here) {
		return fmt.Errorf("%w: %s is one of %s, which is still there: go on with that, as a run that goes on in both is paid for twice. "+
			"If only the copy is to go on, move the other one away", ErrCopy, here, id.Place)
	}
	id.Place = here
	return nil
}

// isAt reports whether a directory, or a copy of it, is at a path.
func (id *identity) isAt(path string) bool {
	data, err := os.ReadFile(filepath.Join(path, identityFile))
	if err != nil {
		return false
	}
	var there identity
	return json.Unmarshal(data, &there) == nil && there.Instance == id.Instance
}

// same reports whether two paths lead to one directory.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errors.Join(errX, errY) == nil && os.SameFile(x, y)
}
