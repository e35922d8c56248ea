package journal

import (
	"fmt"
	"os"
)

// Read calls replay with every whole record of the journal name below root, as
// Open does, and changes nothing. A torn last line is no error. An empty of
// takes the journal for the one that its first line names.
func Read(root *os.Root, name, of string, replay func(record []byte) error) error {
	f, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	if err := (&reader{of: of}).read(f, replay); err != nil {
		return fmt.Errorf("journal: read %s: %w", name, err)
	}
	return nil
}
