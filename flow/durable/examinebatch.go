package durable

import (
	"errors"
	"io/fs"

	"github.com/balerhq/baler/internal/intent"
)

// examineBatch reads the files of a batch, and reports whether its bale is whole.
func (h *Health) examineBatch(a *files, told *history, in intent.Intent) (whole bool) {
	bale := a.checkBale(in)
	if bale != nil {
		_, err := a.rowsOf(in, &told.memory)
		h.addFile(bale, err == nil)
	}
	h.add(a.examineResults(told, in))
	switch err := a.examineAnswers(in.Tag); {
	case errors.Is(err, fs.ErrNotExist): // it had none, or they are asked again
	default:
		h.addFile(err, true)
	}
	return bale == nil
}

// examineResults reads the results of a batch that was fetched. Those of which none
// is settled are downloaded again if they are damaged.
func (a *files) examineResults(told *history, in intent.Intent) error {
	last := told.last(in.Tag)
	if last.Until == 0 || last.Unsent && last.allAgain() {
		return nil
	}
	for _, err := range a.outcomes(in) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *files) examineAnswers(tag string) error {
	_, _, err := readAnswers(a.root, answerName(tag), a.id, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = a.damaged(answerName(tag), err)
	}
	return err
}
