package intent

// Action is what has to be done next.
type Action string

// The actions. Each ends in one of the events in brackets.
const (
	Upload  Action = "upload"  // [UploadDone]
	Create  Action = "create"  // [Sending], then send, then [Created, NotCreated, Unclear]
	Doubt   Action = "doubt"   // [Unclear]: the process that sent it is gone
	Find    Action = "find"    // [Listed, Abandoned]: what the provider has under the tag
	Cancel  Action = "cancel"  // [CancelDone]: Surplus[Cancelled], which nobody needs
	Poll    Action = "poll"    // [BatchEnded, Refused, PutOff]; [Listed] too, to find Surplus early
	Prove   Action = "prove"   // [Proven, Disowned]: whose rows the batch has
	Fetch   Action = "fetch"   // [FetchDone, FetchPart, Decided]: of no Batch, that there are no results
	Settle  Action = "settle"  // [SettleDone, SettlePart, FetchLost]
	Clean   Action = "clean"   // [CleanDone]
	Release Action = "release" // [CleanDone, Freed]
	Nothing Action = "nothing"
)

// Next is the action that the state asks for.
func (i Intent) Next() Action {
	if i.Cancelled < len(i.Surplus) && (!i.Abandoned || i.Freed) {
		return Cancel
	}
	switch i.State {
	case Sealed:
		return Upload
	case Uploaded:
		return Create
	case Creating:
		return Doubt
	case Unknown, Held:
		return Find
	case Submitted:
		return Poll
	case Ended:
		if i.Unproven {
			return Prove
		}
		return Fetch
	case Fetched:
		return Settle
	case Committed:
		return i.sweepBefore(Clean)
	case Rejected:
		if i.Abandoned && !i.Freed {
			return Release // whatever the provider does
		}
		return i.sweepBefore(Release)
	case Cleaned:
	}
	return Nothing
}

// sweepBefore looks for surplus batches as late as possible.
func (i Intent) sweepBefore(a Action) Action {
	if i.InDoubt() && !i.Swept {
		return Find
	}
	return a
}
