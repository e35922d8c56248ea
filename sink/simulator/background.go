package simulator

// spawn runs work in a goroutine that Close waits for, unless the Simulator is
// closed already.
func (s *Simulator) spawn(work func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.workers.Go(work)
	}
}

// notify lets every waiting batch look again at the clock and its record.
func (s *Simulator) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// changes returns a channel that is closed at the next notify.
func (s *Simulator) changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// fail remembers a failure of the simulator itself, which every later request
// and Close report.
func (s *Simulator) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
}

func (s *Simulator) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}
