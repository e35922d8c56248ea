package jobdir

// AnsweredBatch is a batch of another job.
type AnsweredBatch struct {
	AnswerHeader
	Job, Tag string // job is its directory
}

// Hit is an answer of another job that an item gets without being sent.
type Hit struct {
	*AnsweredBatch
	Offset int64
}
