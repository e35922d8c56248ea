package document

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/balerhq/baler/sink/llm"
)

// Load reads the files of a chat that are given by their path, and finds out
// what those are whose type is not known. It returns the chat with their bytes,
// and what is known of all files whose bytes it has.
func Load(chat llm.Chat) (llm.Chat, []Info, error) { return new(Loader).Load(chat) }

// Loader loads the files of many chats. It reads files that follow each other
// often only once, and finds out if a file changes between two chats. It is not
// safe for concurrent use.
type Loader struct {
	held []loaded
	seen map[string]stamp
}

// loaded is a file that was read.
type loaded struct {
	path string
	part llm.Part
	info Info
}

// stamp tells whether a file has changed.
type stamp struct {
	size int64
	time time.Time
}

// These bound what a Loader remembers: files, the bytes of each, and paths.
const (
	maxHeld      = 4
	maxHeldBytes = 32 << 20
	maxSeen      = 100_000
)

// Load is like the function.
func (l *Loader) Load(chat llm.Chat) (llm.Chat, []Info, error) {
	var all []Info
	chat.Messages = slices.Clone(chat.Messages)
	for i := range chat.Messages {
		m := &chat.Messages[i]
		m.Parts = slices.Clone(m.Parts)
		for j := range m.Parts {
			info, err := l.load(&m.Parts[j])
			if err != nil {
				return chat, nil, err
			}
			if info != nil {
				all = append(all, *info)
			}
		}
	}
	return chat, all, nil
}

// HasFiles reports whether a chat has files with bytes or a path.
func HasFiles(chat *llm.Chat) bool {
	for i := range chat.Messages {
		for j := range chat.Messages[i].Parts {
			if IsFile(&chat.Messages[i].Parts[j]) {
				return true
			}
		}
	}
	return false
}

// IsFile reports whether a part is a file with bytes or a path.
func IsFile(p *llm.Part) bool {
	f := fileOf(p)
	return p.File != nil || f != nil && (f.Path != "" || len(f.Data) > 0)
}

func fileOf(p *llm.Part) *llm.File {
	switch {
	case p.File != nil:
		return p.File
	case p.Image != nil:
		return p.Image
	}
	return p.Document
}

// load puts the bytes of its file into a part, and makes it an image or a
// document if it is not known which. It returns nil if there are no bytes.
func (l *Loader) load(p *llm.Part) (*Info, error) {
	file := fileOf(p)
	switch {
	case file == nil:
		return nil, nil
	case p.Image != nil && p.Document != nil || p.File != nil && (p.Image != nil || p.Document != nil):
		return nil, errors.New("a part is one of image, document and file: make a part of each")
	case file.URL+file.ID != "":
		if p.File != nil {
			return nil, errors.New("a file with a URL or an ID is an Image or a Document of its part: it is not read here")
		}
		return nil, nil
	case file.Path != "" && len(file.Data) > 0:
		return nil, fmt.Errorf("the file %s has both a Path and Data: set one of them", quoted(file.Path))
	case file.Path == "" && p.File == nil:
		return ofKnownType(file)
	}
	read, info, err := l.read(file)
	if err != nil {
		return nil, err
	}
	if p.Image != nil && read.Image == nil || p.Document != nil && read.Document == nil {
		return nil, fmt.Errorf("%s is %s: set Part.File if it may be an image or a document", quoted(file.Path), info.Type)
	}
	if file.Name != "" {
		fileOf(&read).Name, info.Name = file.Name, file.Name
	}
	read.Text, read.Options = p.Text, p.Options
	if read.Image != nil && read.Options[llm.CitationsOption] != nil {
		read.Options = maps.Clone(read.Options)
		delete(read.Options, llm.CitationsOption)
	}
	*p = read
	return &info, nil
}

// ofKnownType tells what bytes are that the caller has a type for. They are
// sent as they are, also if their type is not known here. A text has to be one,
// because no codec can write another.
func ofKnownType(file *llm.File) (*Info, error) {
	switch {
	case len(file.Data) == 0:
		return nil, nil // the codec says what is missing
	case file.Type == Text && !utf8.Valid(file.Data):
		return nil, fmt.Errorf("%s is text/plain, but not in UTF-8: convert it, or give it as Part.File without a type", quoted(file.Name))
	}
	info, err := Inspect(*file)
	if err != nil || info.Type == Text || file.Type == DOCX {
		info = Info{Name: file.Name, Bytes: len(file.Data), Sum: sumOf(file.Data)}
	}
	if file.Type != "" {
		info.Type = file.Type
	}
	return &info, nil
}

// read reads the file of a part, or takes what was read before. The part is the
// caller's.
func (l *Loader) read(file *llm.File) (llm.Part, Info, error) {
	if file.Path == "" {
		return Part(*file)
	}
	path := filepath.Clean(file.Path)
	now, err := os.Stat(path)
	if err != nil {
		return llm.Part{}, Info{}, pathError(path, err)
	}
	if err := l.mustBeSame(path, stamp{now.Size(), now.ModTime()}); err != nil {
		return llm.Part{}, Info{}, err
	}
	i := slices.IndexFunc(l.held, func(h loaded) bool { return h.path == path })
	if i < 0 {
		part, info, err := Read(path)
		if err != nil || info.Bytes > maxHeldBytes {
			return part, info, err
		}
		if len(l.held) == maxHeld {
			l.held = slices.Delete(l.held, 0, 1)
		}
		l.held, i = append(l.held, loaded{path, part, info}), len(l.held)
	}
	return copied(l.held[i].part), l.held[i].info, nil
}

// mustBeSame returns an error if a file has changed since it was read.
func (l *Loader) mustBeSame(path string, now stamp) error {
	was, known := l.seen[path]
	switch {
	case known && (was.size != now.size || !was.time.Equal(now.time)):
		return fmt.Errorf("%s has changed since it was read for an earlier row", quoted(path))
	case !known && len(l.seen) < maxSeen:
		if l.seen == nil {
			l.seen = make(map[string]stamp)
		}
		l.seen[path] = now
	}
	return nil
}

// copied returns a part whose file may be changed. The bytes are shared.
func copied(p llm.Part) llm.Part {
	file := *fileOf(&p)
	if p.Image != nil {
		p.Image = &file
	} else {
		p.Document = &file
	}
	return p
}
