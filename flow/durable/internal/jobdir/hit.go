package jobdir

// AnsweredBatch is a batch of another job.
type AnsweredBatch struct {
	AnswerHeader
	Job, Tag string // job is its directory
}

// Hit is what an item is answered by, without being sent.
type Hit struct {
	*AnsweredBatch
	Offset int64
}
