package state

import (
	"fmt"
	"path/filepath"
)

// damaged is an ErrDamaged that names a file of the state directory and says what
// to do.
func damaged(dir, file string, err error) error {
	return fmt.Errorf("%w: %s: %w: %s", ErrDamaged, filepath.Join(dir, file), err, Advice(dir))
}

// Advice is what helps if the directory is damaged.
func Advice(dir string) string {
	return fmt.Sprintf("see baler doctor --state %s, which can make the index again with --repair", dir)
}
