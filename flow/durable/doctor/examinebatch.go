package doctor

import (
	"errors"
	"io/fs"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// examineBatch reads the files of a batch, and reports whether its manifest is whole.
func (h *Health) examineBatch(a *jobdir.Dir, told *jobdir.History, in intent.Intent) (whole bool) {
	manifest := a.CheckManifest(in)
	if manifest != nil {
		_, err := a.RowsOf(in, &told.Replayed)
		h.addFile(manifest, err == nil)
	}
	h.add(examineResults(a, told, in))
	switch err := examineAnswers(a, in.Tag); {
	case errors.Is(err, fs.ErrNotExist): // it had none, or they are asked again
	default:
		h.addFile(err, true)
	}
	return manifest == nil
}

// examineResults reads the results of a batch that was fetched. Those of which none
// is settled are downloaded again if they are damaged.
func examineResults(a *jobdir.Dir, told *jobdir.History, in intent.Intent) error {
	last := told.Last(in.Tag)
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
