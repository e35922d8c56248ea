package simulator

import "github.com/balerhq/baler/sink/simulator/internal/protocol"

// Limits are the limits above which a provider refuses. Each zero means the
// limit of the provider itself, if it has one.
type Limits struct {
	// UploadBytes is the largest upload.
	UploadBytes int64
	// BatchBytes is the largest input of a batch.
	BatchBytes int64
	// Rows is the largest number of rows in a batch.
	Rows int
	// InlineBytes is the largest input that is in the request which creates
	// the batch, where that is another limit than BatchBytes.
	InlineBytes int64
	// InlineRows is the largest number of rows in such an input, where that is
	// another limit than Rows.
	InlineRows int
	// EmbeddingInputs is the largest number of inputs over all rows of an
	// embeddings batch.
	EmbeddingInputs int

	// EnqueuedTokens is the largest number of input tokens that the
	// unfinished batches of one key and model may hold.
	EnqueuedTokens int64
	// EnqueuedRows is the largest number of rows that the unfinished batches
	// of one key may hold.
	EnqueuedRows int
	// OpenBatches is the largest number of unfinished batches of one key.
	OpenBatches int
	// RequestsPerMinute is how many requests a key may send, on the
	// simulator's clock. A key that sends none saves up to that many.
	RequestsPerMinute int
	// TokensPerMinute is how many tokens the live calls of a key may need.
	TokensPerMinute int64
}

// each calls f for every limit.
func (l Limits) each(f func(name string, value int64)) {
	f("UploadBytes", l.UploadBytes)
	f("BatchBytes", l.BatchBytes)
	f("Rows", int64(l.Rows))
	f("InlineBytes", l.InlineBytes)
	f("InlineRows", int64(l.InlineRows))
	f("EmbeddingInputs", int64(l.EmbeddingInputs))
	f("EnqueuedTokens", l.EnqueuedTokens)
	f("EnqueuedRows", int64(l.EnqueuedRows))
	f("OpenBatches", int64(l.OpenBatches))
	f("RequestsPerMinute", int64(l.RequestsPerMinute))
	f("TokensPerMinute", l.TokensPerMinute)
}

// of returns the limits where the provider is one that speaks p.
func (l Limits) of(p protocol.Protocol) protocol.Limits {
	limits, own := protocol.Limits(l), p.Info().Limits
	setDefault(&limits.UploadBytes, own.UploadBytes)
	setDefault(&limits.BatchBytes, own.BatchBytes)
	setDefault(&limits.Rows, own.Rows)
	setDefault(&limits.InlineBytes, own.InlineBytes)
	setDefault(&limits.InlineRows, own.InlineRows)
	setDefault(&limits.EmbeddingInputs, own.EmbeddingInputs)
	setDefault(&limits.EnqueuedTokens, own.EnqueuedTokens)
	setDefault(&limits.EnqueuedRows, own.EnqueuedRows)
	setDefault(&limits.OpenBatches, own.OpenBatches)
	setDefault(&limits.RequestsPerMinute, own.RequestsPerMinute)
	setDefault(&limits.TokensPerMinute, own.TokensPerMinute)
	return limits
}
