package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// writeJSON replaces the file at path by v as JSON. A process that is killed
// leaves the old or the new file, never a part of one. It does not outlast a
// power failure: nothing is synced, for speed.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+partSuffix, data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+partSuffix, path)
}

// partSuffix marks a file that is still being written. One found at start was
// left by a killed process and is worth nothing.
const partSuffix = ".part"

// The folders of the state directory that hold no records.
const (
	contentDir = "content" // the content of each file
	ledgerDir  = "ledger"  // the executed rows of each batch
)

func (s *Simulator) contentPath(fileID string) string {
	return filepath.Join(s.dir, contentDir, fileID)
}

func (s *Simulator) ledgerPath(batchID string) string {
	return filepath.Join(s.dir, ledgerDir, batchID+".jsonl")
}

// livePath is the ledger of live calls. No batch has such an id.
func (s *Simulator) livePath() string { return filepath.Join(s.dir, ledgerDir, "live.jsonl") }

func removeParts(dir string) error {
	parts, err := filepath.Glob(filepath.Join(dir, "*"+partSuffix))
	for _, part := range parts {
		err = errors.Join(err, os.Remove(part))
	}
	if err != nil {
		return fmt.Errorf("simulator: remove unfinished files: %w", err)
	}
	return nil
}
