package jobdir

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// EarlierPrefix begins the names of the directories of earlier epochs. They
// hold the answers of these epochs, for the cache.
const EarlierPrefix = "earlier-"

// DropEpoch removes the directory of an earlier epoch. If it has answers, it is
// kept for the cache until it is pruned.
func DropEpoch(root *os.Root, k Keys) error {
	dir := k.Dir()
	answers, err := fs.ReadDir(root.FS(), dir+"/"+AnswerDir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(answers) == 0:
		return root.RemoveAll(dir)
	case err != nil:
		return err
	}
	return root.Rename(dir, EarlierPrefix+strings.TrimPrefix(dir, JobPrefix))
}
