package journal

import (
	"bytes"
	"fmt"
	"os"
)

// Salvage calls replay with every record of the journal name below root that is
// whole and not of another journal, whatever stands between them, and changes
// nothing. An empty of takes all.
func Salvage(root *os.Root, name, of string, replay func(record []byte) error) error {
	b, err := root.ReadFile(name)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for text := range bytes.SplitAfterSeq(b, []byte("\n")) {
		l, err := decode(text)
		if err != nil || of != "" && l.of != of {
			continue
		}
		if err := replay(l.record); err != nil {
			return fmt.Errorf("journal: read %s: %w", name, err)
		}
	}
	return nil
}
