package accumulator

// fill places items until one must wait or be rejected, and returns how many
// it placed. notes are those of vs, or nil if the stage is plain.
func (e *engine[T]) fill(vs []T, notes []note) (int, error) {
	for n := 0; n < len(vs); n++ {
		var about note
		if notes != nil {
			about = notes[n]
		} else if n += e.append(vs[n:]); n == len(vs) {
			break
		}
		if err := e.place(vs[n], about); err != nil {
			return n, err
		}
	}
	return len(vs), nil
}

// append adds as many of vs to the open batch as fit without filling it.
func (e *engine[T]) append(vs []T) int {
	b := e.open.one
	if b == nil {
		return 0
	}
	n := min(len(vs), b.lim.items-1-len(b.items))
	b.items = append(b.items, vs[:n]...)
	return n
}
