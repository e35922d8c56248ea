package live

// BreakDisk makes the disk take no more entries of a batch that has workers.
func (p *Provider) BreakDisk(tag string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.batches[tag].log.journal.Close()
}

// Undo does what Create does after an append that failed.
func (p *Provider) Undo(tag string, cause error) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	return p.undo(tag, cause)
}
