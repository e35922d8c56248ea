package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Status is the HTTP status that an error reports, 0 if there was no reply.
func Status(err error) int {
	if e, ok := errors.AsType[*retry.Error](err); ok {
		return e.Status
	}
	return 0
}

// NotFound reports whether a provider says that there is no such thing.
func NotFound(err error) bool { return Status(err) == http.StatusNotFound }

// Unserved reports whether a server says that it has no such thing, or knows no
// such request.
func Unserved(err error) bool {
	switch Status(err) {
	case http.StatusNotFound, http.StatusGone, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

// Because wraps an error in the one that explains it, of whose class it then
// is.
func Because(cause, err error) error { return fmt.Errorf("%w: %w", cause, err) }

// Has is whether there is a thing, from the error of a call for it. It is false
// only in the provider's words: a bare status may be that of a proxy that does
// not find its way.
func Has(err error) (bool, error) {
	said, ok := errors.AsType[*retry.Error](err)
	if ok && (said.Status == http.StatusNotFound || said.Status == http.StatusGone) && (said.Code != "" || said.Message != http.StatusText(said.Status)) {
		return false, nil
	}
	return err == nil, err
}

// UnlessSaid gives a refusal that is not in the provider's words another
// chance: a proxy that does not find its way says nothing about the batch.
func UnlessSaid(err error) error {
	said, ok := errors.AsType[*retry.Error](err)
	if !ok || said.Class != retry.Permanent || said.Code != "" || said.Message != http.StatusText(said.Status) {
		return err
	}
	switch said.Status {
	case 0, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return err
	}
	return Because(sink.ErrNotYet, err)
}

// Uploaded is the error of an upload, told by its cause: the file is too large,
// or the account stores as much as it may. Providers say the latter in words
// alone, under several statuses and without a code.
func Uploaded(err error) error {
	switch {
	case storageFull(err):
		return Because(sink.ErrStorageFull, err)
	case Status(err) == http.StatusRequestEntityTooLarge:
		return Because(sink.ErrTooLarge, err)
	}
	return UnlessSaid(err)
}

// Stored is the error of storing a file that rows refer to: that of an upload,
// or errors.ErrUnsupported if the server has no place for such files.
func Stored(err error) error {
	if Unserved(err) {
		return errors.Join(errors.ErrUnsupported, err)
	}
	return Uploaded(err)
}

func storageFull(err error) bool {
	said, ok := errors.AsType[*retry.Error](err)
	if !ok {
		return false
	}
	switch said.Status {
	case http.StatusInsufficientStorage:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		words := strings.ToLower(said.Code + " " + said.Message)
		return strings.Contains(words, "storage") &&
			(strings.Contains(words, "quota") || strings.Contains(words, "limit") || strings.Contains(words, "exceed"))
	}
	return false
}
