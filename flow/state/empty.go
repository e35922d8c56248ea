package state

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// removeEmpty removes log files of no size: those that a killed process had
// just created, or was about to delete after their content went elsewhere.
// Badger cuts a file to nothing before it removes it, and refuses to open
// beside either kind. If a file is empty because of damage instead, the
// generation or the journal tells.
func removeEmpty(dir string, log *slog.Logger) error {
	for _, pattern := range []string{"*.vlog", "*.mem"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return fmt.Errorf("state: open index: %w", err)
		}
		for _, name := range names {
			if info, err := os.Stat(name); err != nil || info.Size() > 0 {
				continue
			}
			log.Debug("removing an empty log file", "file", name)
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("state: open index: %w", err)
			}
		}
	}
	return nil
}
