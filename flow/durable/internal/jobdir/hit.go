package jobdir

// AnsweredBatch is a settled batch of any job.
type AnsweredBatch struct {
	AnswerHeader
	Job, Tag string // job is its directory
}

// Hit is an answer that an item gets without being sent: of another job, or of
// the item that it follows.
type Hit struct {
	*AnsweredBatch
	Offset int64
}
