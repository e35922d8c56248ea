package durable

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// request is what is asked about an item, as it is kept.
type request struct {
	target  jobdir.Target
	record  []byte        // for the request log
	content jobdir.Digest // to tell what asks the same
	frame   uint64        // see jobdir.Entry
	output  uint32        // the same, MaxOutput
	prefix  uint64        // the same

	prefixTokens uint32 // the same
	prefixFiles  int    // that the prefix refers to

	attached attached
}

// requests turns chats and bodies into what is kept, for one goroutine. A chat
// is kept as it is, so that any provider can get it; its route's codec encodes
// it when its batch is uploaded.
type requests struct {
	*config
	// records has the records of the group that is being read, one after the
	// other. If it is nil, each record has memory of its own.
	records *[]byte

	buf  []byte
	sum  hash.Hash
	body jsontext.Value
	told map[string]bool // members that are no part of a chat

	encoded *llm.Schema // of the judge, if each route has encoded a text with it

	attachments attachments
}

// ask returns the request of a prompt's chat. A chat that a route of the job
// cannot encode is refused now, before anything is bought.
func (r *requests) ask(chat *llm.Chat) (request, error) {
	if err := r.judge.ask(chat); err != nil {
		return request{}, err
	}
	kept, stub, files, err := r.attach(chat)
	if err != nil {
		return request{}, err
	}
	isText := isText(chat)
	isKnown := isText && (chat.Schema == nil || chat.Schema == r.encoded)
	for _, own := range r.own {
		if isKnown && len(own.options) == 0 {
			continue
		}
		if err := own.encode(stub); err != nil {
			return request{}, own.named(err)
		}
	}
	if isText && r.judge != nil && chat.Schema == r.judge.schema {
		r.encoded = chat.Schema
	}
	q, err := r.chat(jobdir.Target{}, kept)
	q.attached = files
	if err == nil && len(files.files) > 0 {
		q.attached.asked, err = r.asked(chat)
		q.prefixTokens += r.fileTokens(files.infos[:min(q.prefixFiles, len(files.infos))])
	}
	return q, err
}

func (r *requests) chat(t jobdir.Target, chat *llm.Chat) (request, error) {
	record, err := r.record(chat)
	if err != nil {
		return request{}, err
	}
	t.Schema = r.schema(chat)
	content := record
	if chat.Schema != nil { // whose members may be in any order
		r.body = jobdir.AppendForm(r.body[:0], chat, record)
		content = r.body
	}
	q := request{target: t, record: record, content: r.digest(jobdir.Target{}, content)}
	q.output = outputLimit(chat)
	if r.pack.Rows > 0 {
		q.frame = jobdir.FrameOf(chat)
	}
	if r.primeCache {
		var tokens int
		q.prefix, tokens, q.prefixFiles = jobdir.PrefixOf(chat)
		q.prefixTokens = uint32(min(tokens, math.MaxInt32)) //nolint:gosec // bounded
	}
	return q, nil
}

// maxShared limits the size of a record that is put beside others, in bytes.
const maxShared = 64 << 10

// record returns the record of a chat.
func (r *requests) record(chat *llm.Chat) ([]byte, error) {
	hint := sizeHint(chat)
	if r.records == nil || hint > maxShared {
		return jobdir.AppendChat(make([]byte, 0, hint), chat)
	}
	begin := len(*r.records)
	all, err := jobdir.AppendChat(*r.records, chat)
	if err != nil {
		return nil, err
	}
	*r.records = all
	return slices.Clip(all[begin:]), nil
}

// schema returns a digest of a chat's schema, "" if it has none, or if batches
// of the job may have several.
func (r *requests) schema(chat *llm.Chat) string {
	if chat.Schema == nil || !slices.ContainsFunc(r.services, func(s *service) bool { return s.info.OneSchema }) {
		return ""
	}
	sum := r.digest(jobdir.Target{}, append([]byte(chat.Schema.Description+"\x00"), r.canonical(chat.Schema.JSON)...))
	return hex.EncodeToString(sum[:])
}

// isText reports whether a chat is one that every codec encodes if it encodes
// the schema: texts of the user and the assistant, after at most one that
// instructs the model.
func isText(chat *llm.Chat) bool {
	if chat.Temperature != nil || len(chat.Options) > 0 || len(chat.Messages) == 0 {
		return false
	}
	for i := range chat.Messages {
		m := &chat.Messages[i]
		isTurn := m.Role == llm.RoleUser || m.Role == llm.RoleAssistant || m.Role == ""
		if len(m.Parts) > 0 || !isTurn && (i > 0 || m.Role != llm.RoleSystem) {
			return false
		}
	}
	return true
}

func sizeHint(chat *llm.Chat) (n int) {
	for i := range chat.Messages {
		n += len(chat.Messages[i].Text) + 48
	}
	return n + 32
}

// raw returns the request of a body. It is kept as a chat if the codec can read
// all of it; otherwise it stays with its provider.
func (r *requests) raw(q *sink.Request) (request, error) {
	if err := q.Check(); err != nil {
		return request{}, err
	}
	for _, own := range r.services {
		if own.info.Codec == nil {
			continue
		}
		if err := own.info.Codec.Check(q.Endpoint, q.Body); err != nil {
			return request{}, err
		}
	}
	owner := r.ownerOf(q.Endpoint)
	var why error // a body of its owner is no chat
	switch {
	case owner == nil:
		owner = r.first()
		if chat, err := r.foreign(q); err != nil {
			return request{}, err
		} else if chat != nil {
			return r.ask(chat)
		}
	case owner.info.Codec.Endpoint() == q.Endpoint:
		model, chat, err := owner.info.Codec.Parse(q.Endpoint, q.Body)
		if err != nil && owner.info.Strict {
			if other, err := r.alike(owner, q, err); err != nil || other != nil {
				return r.askAs(q.Model, other, err)
			}
		}
		switch {
		case err != nil || model != q.Model && model != "": // some name it in the batch alone
			r.stays(owner, err)
			why = err
		case r.judge != nil && r.judge.schema != nil:
			return r.askAs(q.Model, &chat, nil)
		case r.namesModel():
			return r.chat(jobdir.Target{Model: q.Model}, &chat)
		default:
			return r.ask(&chat)
		}
	}
	if r.judge != nil && r.judge.schema != nil {
		return request{}, errNoChat
	}
	if r.onlyRouteModels && !r.hasModel(owner, q.Model) {
		return request{}, noRouteModel(q, owner, why)
	}
	t := jobdir.Target{Provider: owner.info.Name, Endpoint: q.Endpoint, Model: q.Model}
	return request{target: t, record: jobdir.AppendBody(make([]byte, 0, len(q.Body)+1), q.Body), content: r.digest(t, r.canonical(q.Body)), output: bodyLimit(q.Body)}, nil
}

// namesModel reports whether the job asks the model that a request names: it
// has no Routes, or none with a Model.
func (r *requests) namesModel() bool {
	first := r.own[0]
	return first.name == "" || first.model == ""
}

// hasModel reports whether a route to a service has a model.
func (r *requests) hasModel(s *service, model string) bool {
	return slices.ContainsFunc(r.own, func(own *ownRoute) bool { return own.service.info.Name == s.info.Name && own.model == model })
}

func noRouteModel(q *sink.Request, owner *service, why error) error {
	err := fmt.Errorf("the request to %s cannot be read as a chat for the model of a route, and no route to %s has its own model %q: ask for a model of a route", q.Endpoint, owner.info.Name, q.Model)
	if why != nil {
		err = fmt.Errorf("%w, or mend this: %w", err, why)
	}
	return err
}

// errNoChat is why a body is refused.
var errNoChat = errors.New("the request cannot be read as a chat, so that it cannot ask for the schema of Job.Answer: write it as a chat, or put the schema into it and leave Job.Answer out")

// alike reads a body for an endpoint of a service whose codec cannot, in
// another format that has an endpoint of that name. It returns nil if the body
// is in none of them: none knows the member that the codec does not know.
func (r *requests) alike(s *service, q *sink.Request, own error) (*llm.Chat, error) {
	unknown, is := errors.AsType[*llm.UnknownMemberError](own)
	if !is {
		return nil, nil
	}
	for _, format := range r.formats {
		_, chat, err := format.Parse(q.Endpoint, q.Body)
		if err == nil {
			return &chat, nil
		}
		if other, is := errors.AsType[*llm.UnknownMemberError](err); is && other.Member != unknown.Member {
			return nil, fmt.Errorf("%s does not know the member %q, and the request cannot be read in the format that has it: %w", s.info.Name, unknown.Member, err)
		}
	}
	return nil, nil
}

// askAs returns the request of a chat that was read in the format of another
// provider, for the model that it names.
func (r *requests) askAs(model string, chat *llm.Chat, err error) (request, error) {
	if err != nil {
		return request{}, err
	}
	q, err := r.ask(chat)
	if r.namesModel() {
		q.target.Model = model
	}
	return q, err
}

// ownerOf returns the service in whose format the bodies of an endpoint are,
// nil if none says so.
func (r *requests) ownerOf(endpoint string) *service {
	for _, writes := range []bool{true, false} {
		for _, s := range r.services {
			if c := s.info.Codec; c != nil && (writes && c.Endpoint() == endpoint || !writes && reads(c, endpoint)) {
				return s
			}
		}
	}
	return nil
}

// reads reports whether a codec reads the bodies of an endpoint. Such bodies
// are in the format of its provider, also if others have an endpoint of that
// name.
func reads(c llm.Codec, endpoint string) bool {
	_, _, err := c.Parse(endpoint, nil)
	return !errors.Is(err, errors.ErrUnsupported)
}

// foreign reads a body in the format of another provider. It returns nil if no
// format has its endpoint.
func (r *requests) foreign(q *sink.Request) (*llm.Chat, error) {
	chat, err := r.parseForeign(q)
	switch {
	case chat == nil && err == nil:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("a request to %s cannot go to %s: %w", q.Endpoint, r.first().info.Name, err)
	case r.own[0].model == "":
		return nil, fmt.Errorf("a request to %s goes to %s only with a model of it: set Job.Model", q.Endpoint, r.first().info.Name)
	case r.first().info.Codec == nil:
		return nil, fmt.Errorf("a request to %s cannot go to %s, which has no codec for chats", q.Endpoint, r.first().info.Name)
	}
	return chat, nil
}

// parseForeign asks each format, as several have endpoints of the same name.
// The error is that of the first.
func (r *requests) parseForeign(q *sink.Request) (chat *llm.Chat, first error) {
	for _, format := range r.formats {
		_, chat, err := format.Parse(q.Endpoint, q.Body)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
		case err == nil:
			return &chat, nil
		default:
			first = cmp.Or(first, err)
		}
	}
	return nil, first
}

// stays tells once for each member why a body stays with its provider.
func (r *requests) stays(s *service, err error) {
	unknown, ok := errors.AsType[*llm.UnknownMemberError](err)
	if !ok || r.told[unknown.Member] || len(r.told) >= maxTold {
		return
	}
	if r.told == nil {
		r.told = make(map[string]bool)
	}
	r.told[unknown.Member] = true
	r.log.Info("requests stay with their provider", "provider", s.info.Name, "because", unknown)
}

// maxTold bounds how many members are told.
const maxTold = 20

// digest identifies what a request asks, whoever answers it. Of a chat, it does
// not depend on the target: the route says who is asked.
func (r *requests) digest(t jobdir.Target, content []byte) jobdir.Digest {
	r.buf = r.buf[:0]
	for _, field := range []string{t.Provider, t.Endpoint, t.Model} {
		r.buf = append(append(r.buf, field...), 0)
	}
	if r.sum == nil {
		r.sum = sha256.New()
	}
	r.sum.Reset()
	r.sum.Write(r.buf)
	r.sum.Write(content)
	r.buf = r.sum.Sum(r.buf[:0])
	return jobdir.Digest(r.buf[:16])
}

// canonical returns the form of RFC 8785, in which bodies with the same meaning
// are the same bytes. Numbers stay as they are, because not every reader takes
// 2^53+1 for 2^53. A body without such a form, for example with a repeated
// name, is returned unchanged.
func (r *requests) canonical(body []byte) []byte {
	r.body = append(r.body[:0], body...)
	err := r.body.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		return body
	}
	return r.body
}
