package jobdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/balerhq/baler/internal/atomicfile"
)

// AnswerDir has the files of answers. Each says which requests of a batch
// succeeded, for jobs that ask the same. It has a record with the AnswerHeader,
// and one with the answers.
const AnswerDir = "answers"

// The directories of a job.
const (
	RequestDir  = "requests"
	ManifestDir = "manifests"
	ResultDir   = "results"
)

// RequestFile returns the name of the nth file of the request log.
func RequestFile(n uint32) string { return fmt.Sprintf("%s/%08x.seg", RequestDir, n) }

// JournalFile is the journal of a job.
const JournalFile = "journal.jsonl"

// ResultName returns the name of the file with a batch's results.
func ResultName(tag string) string { return ResultDir + "/" + tag }

// ReadyDir has the rows that wait, in a directory for each priority.
const ReadyDir = "ready"

// LevelDir returns the directory of the rows of a priority.
func LevelDir(number uint8) string { return fmt.Sprintf("%s/%02x", ReadyDir, number) }

// MakeRoot opens the job's directory below the state directory.
func MakeRoot(root *os.Root, k Keys) (*os.Root, error) {
	dir := k.Dir()
	for _, name := range []string{dir, dir + "/" + ManifestDir, dir + "/" + ResultDir, dir + "/" + AnswerDir} {
		if err := atomicfile.Mkdir(root, name); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("durable: %w", err)
		}
	}
	if err := atomicfile.SyncDir(root, "."); err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	sub, err := root.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	return sub, nil
}

// SeenDir has the files by which it is known what a job has read, see hashindex.
// They follow from the request log.
const SeenDir = "seen"

// PrunedDirs are the directories of a job that Prune removes.
var PrunedDirs = []string{RequestDir, FileDir, SeenDir, ReadyDir, ManifestDir, ResultDir, RawDir, AnswerDir}
