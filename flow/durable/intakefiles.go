package durable

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/document"
)

// attached is the files of a request, which are kept apart from it.
type attached struct {
	infos  []document.Info
	files  []keptFile
	fresh  int    // bytes of those that the row before does not have
	bytes  uint64 // of all, as they are sent
	tokens uint32 // of all, on the route that counts the most
	asked  []byte // see jobdir.FirstItem
}

// keptFile is the bytes that a request refers to.
type keptFile struct {
	kept string // their SHA-256, in hexadecimal
	data []byte
}

// attachments reads the files of chats, for one goroutine.
type attachments struct {
	loader document.Loader
	last   []keptFile // of the row before
	any    bool       // a chat had files
}

// attach reads the files of a chat. It returns the chat as it is kept, which
// refers to their bytes, and one with a byte for each file, by which codecs
// show whether they take the rest. A file that a route does not take is
// refused.
func (r *requests) attach(chat *llm.Chat) (kept, stub *llm.Chat, files attached, err error) {
	if !document.HasFiles(chat) {
		return chat, chat, files, nil
	}
	r.attachments.any = true
	loaded, infos, err := r.attachments.loader.Load(*chat)
	if err != nil {
		return nil, nil, files, err
	}
	files.infos = infos
	for _, own := range r.own {
		limits := own.fileLimits()
		stored := func(f *document.Info) bool { return r.fileUpload.takes(int64(f.Bytes), 1) && own.stores(f.Type) }
		if err := document.Check(infos, &limits, stored); err != nil && !r.anyFile {
			if document.Check(infos, &limits, func(f *document.Info) bool { return own.stores(f.Type) }) == nil {
				err = fmt.Errorf("%w: have it stored there for rows to refer to, which Job.FileUpload auto does (--file-upload auto)", err)
			}
			return nil, nil, files, own.named(err)
		}
	}
	files.tokens = r.fileTokens(infos)
	for _, f := range infos {
		if r.isStored(&f) {
			files.bytes += referenceSize
			continue
		}
		files.bytes += uint64(f.Encoded()) //nolint:gosec // not negative
	}
	keptChat, stubChat := r.attachments.split(&loaded, &files)
	return &keptChat, &stubChat, files, nil
}

// fileTokens returns about how many tokens files have, on the route that counts
// the most.
func (r *requests) fileTokens(infos []document.Info) (most uint32) {
	for _, own := range r.own {
		limits, tokens := own.fileLimits(), 0
		for i := range infos {
			tokens += infos[i].Tokens(&limits)
		}
		most = max(most, uint32(min(tokens, 1<<30))) //nolint:gosec // bounded
	}
	return most
}

// split takes the bytes of the files out of a chat.
func (a *attachments) split(chat *llm.Chat, files *attached) (kept, stub llm.Chat) {
	next := 0
	without := func(file *llm.File) (kept, stub *llm.File) {
		if file == nil || len(file.Data) == 0 {
			return file, file
		}
		k, s := *file, *file
		k.Kept, k.Data, s.Data = hex.EncodeToString(files.infos[next].Sum[:]), nil, []byte{'x'}
		next++
		files.files = append(files.files, keptFile{k.Kept, file.Data})
		return &k, &s
	}
	kept, stub = *chat, *chat
	kept.Messages = make([]llm.Message, len(chat.Messages))
	stub.Messages = make([]llm.Message, len(chat.Messages))
	for i, m := range chat.Messages {
		k, s := m, m
		k.Parts, s.Parts = make([]llm.Part, len(m.Parts)), make([]llm.Part, len(m.Parts))
		for j, p := range m.Parts {
			k.Parts[j], s.Parts[j] = p, p
			k.Parts[j].Image, s.Parts[j].Image = without(p.Image)
			k.Parts[j].Document, s.Parts[j].Document = without(p.Document)
		}
		kept.Messages[i], stub.Messages[i] = k, s
	}
	for _, f := range files.files {
		if !hasKept(a.last, f.kept) {
			files.fresh += len(f.data)
		}
	}
	a.last = files.files
	return kept, stub
}

// asked returns the digest of a chat without its files.
func (r *requests) asked(chat *llm.Chat) ([]byte, error) {
	without := *chat
	without.Messages = slices.Clone(chat.Messages)
	for i := range without.Messages {
		m := &without.Messages[i]
		m.Parts = slices.Clone(m.Parts)
		for j := range m.Parts {
			if p := &m.Parts[j]; document.IsFile(p) {
				*p = llm.Part{File: new(llm.File), Options: p.Options}
			}
		}
	}
	q, err := r.chat(jobdir.Target{}, &without)
	return q.content[:], err
}

func hasKept(all []keptFile, kept string) bool {
	for i := range all {
		if all[i].kept == kept {
			return true
		}
	}
	return false
}

// fileLimits are what the route takes of files.
func (r *ownRoute) fileLimits() llm.FileLimits {
	if a := r.service.info.Attachments; a != nil {
		return a.FileLimits(r.model)
	}
	return llm.FileLimits{}
}

// maxKnownFiles bounds how many files an intake knows to be kept.
const maxKnownFiles = 1_000_000

// keepFiles makes the files of rows durable, before the rows are.
func (ik *intake) keepFiles(rows []*row) error {
	for _, r := range rows {
		for _, f := range r.request.attached.files {
			if ik.kept[f.kept] {
				continue
			}
			if err := ik.KeepFile(f.kept, f.data); err != nil {
				return err
			}
			if ik.kept == nil {
				ik.kept = make(map[string]bool)
			}
			if len(ik.kept) < maxKnownFiles {
				ik.kept[f.kept] = true
			}
		}
	}
	return nil
}

// size returns the bytes that a request takes in memory until it is kept.
func (q *request) size() int { return len(q.record) + q.attached.fresh }
