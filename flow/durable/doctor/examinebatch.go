package doctor

import (
	"errors"
	"io/fs"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// examineBatch reads the files of a batch, and reports whether its manifest is
// intact.
func (h *Health) examineBatch(a *jobdir.Dir, history *jobdir.History, in intent.Intent) (whole bool) {
	manifest := a.CheckManifest(in)
	if manifest != nil {
		_, err := a.RowsOf(in, &history.Replayed)
		h.addFile(manifest, err == nil)
	}
	h.add(examineResults(a, history, in))
	switch err := examineAnswers(a, in.Tag); {
	case errors.Is(err, fs.ErrNotExist): // it had none, or other runs ask again
	default:
		h.addFile(err, true)
	}
	return manifest == nil
}

// examineResults reads the results of a batch that was fetched. It skips
// results if none of them is settled, because these are downloaded again if
// they are damaged.
func examineResults(a *jobdir.Dir, history *jobdir.History, in intent.Intent) error {
	last := history.Last(in.Tag)
	if last.Until == 0 || last.Unsent && last.AllAgain() {
		return nil
	}
	for _, err := range a.Outcomes(in) {
		if err != nil {
			return err
		}
	}
	return nil
}

func examineAnswers(a *jobdir.Dir, tag string) error {
	_, _, err := jobdir.ReadAnswers(a.Root, jobdir.AnswerName(tag), a.ID, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = a.Damaged(jobdir.AnswerName(tag), err)
	}
	return err
}
