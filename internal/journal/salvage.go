package journal

import (
	"bytes"
	"fmt"
	"os"
)

// Salvage calls replay with every record of the journal name below root that is
// whole, whatever stands between them, and changes nothing.
func Salvage(root *os.Root, name string, replay func(record []byte) error) error {
	b, err := root.ReadFile(name)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for line := range bytes.SplitAfterSeq(b, []byte("\n")) {
		record, err := decode(line)
		if err != nil {
			continue
		}
		if err := replay(record); err != nil {
			return fmt.Errorf("journal: read %s: %w", name, err)
		}
	}
	return nil
}
