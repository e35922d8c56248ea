package jobdir

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink/llm"
)

// StoredFile is a file that rows refer to, at a provider. Without an ID it is
// not known whether it is there: it was about to be stored.
type StoredFile struct {
	StoredKey
	ID   string    `json:"id,omitempty"`
	At   time.Time `json:"at,omitzero"`    // when it was stored, if it is known to be there
	Gone bool      `json:"gone,omitempty"` // it was deleted
	// Again says that it was stored before, and that rows may refer to that
	// file, which is gone or will be.
	Again bool `json:"again,omitempty"`
	// Refused is why the provider does not store it. Nil if it has not refused
	// it.
	Refused *intent.Reason `json:"refused,omitempty"`
}

// MayBeThere reports whether the provider may have the file.
func (f *StoredFile) MayBeThere() bool { return !f.Gone && f.Refused == nil }

// StoredKey identifies a file at a provider.
type StoredKey struct {
	Account string `json:"account"`
	Name    string `json:"name"` // see StoredName
}

// AnyStored is the key of a record that says that the provider may have files
// of the job of which there is no record: the journal was written anew.
func (a *Dir) AnyStored() StoredKey { return StoredKey{Name: a.StoredPrefix()} }

// StoredPrefix begins the names of all files that the job stores, like the tags
// of its batches.
func (a *Dir) StoredPrefix() string { return StoredPrefixOf(a.ID[:min(ownerLen, len(a.ID))]) }

// StoredPrefixOf returns what StoredPrefix does for the job whose tags begin so.
func StoredPrefixOf(owner string) string { return owner + "-" }

// OwnerOfTag returns how a valid tag begins: like the others of its job.
func OwnerOfTag(tag string) string { return tag[:ownerLen] }

// StoredName returns the name under which a file is stored that is kept apart
// from its request. It follows from the content, the type and the name of the
// file, whose last part it ends with: some providers show it to the model.
func (a *Dir) StoredName(f *llm.File) string {
	sum := sha256.Sum256([]byte(f.Kept + "\x00" + f.Type + "\x00" + f.Name))
	return a.StoredPrefix() + hex.EncodeToString(sum[:storedDigest]) + "-" + plainName(f.Name)
}

// storedDigest is how many bytes of a digest are in a name.
const storedDigest = 12

// IsStoredName reports whether StoredName of the job may have made the name.
func (a *Dir) IsStoredName(name string) bool {
	rest, ours := strings.CutPrefix(name, a.StoredPrefix())
	return ours && len(a.ID) >= ownerLen && digestFirst.MatchString(rest)
}

// OwnerOfStored returns how the tags of a job's batches begin if StoredName of
// that job may have made the name.
func OwnerOfStored(name string) (owner string, ours bool) {
	owner, rest, _ := strings.Cut(name, "-")
	return owner, len(owner) == ownerLen && strings.Trim(owner, tagLetters) == "" && digestFirst.MatchString(rest)
}

// tagLetters are those of tags.
const tagLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

var (
	digestFirst = regexp.MustCompile(`^[0-9a-f]{24}-`)
	notPlain    = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

// maxStoredName bounds what is kept of a file's own name, in bytes.
const maxStoredName = 60

func plainName(name string) string {
	plain := notPlain.ReplaceAllString(filepath.Base(filepath.ToSlash(name)), "_")
	return plain[max(0, len(plain)-maxStoredName):]
}
