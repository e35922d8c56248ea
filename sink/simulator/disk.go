package simulator

import (
	"encoding/json"
	"os"
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
