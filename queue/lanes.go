package queue

// lanes is the order of Strict for priorities when nothing has to be found
// again: the four named levels are plain queues, O(1), and all other
// priorities share a heap.
type lanes[T any] struct {
	of    func(T) Priority
	named [Critical - Low + 1]fifo[T] // the most urgent first
	other heaped[T]
	pool  chunks[T]
	n     int
}

func newLanes[T any](of func(T) Priority) *lanes[T] {
	return &lanes[T]{of: of, other: heaped[T]{rule: byPriority[T]{of}}}
}

func (l *lanes[T]) len() int { return l.n }
func (l *lanes[T]) tick()    {}

func (l *lanes[T]) push(v T) place {
	l.n++
	p := l.of(v)
	if p < Low || p > Critical {
		return l.other.push(v)
	}
	l.named[Critical-p].push(v, &l.pool)
	return place{key: levelKey(p)}
}

func (l *lanes[T]) head() *T {
	if level := l.first(); level < len(l.named) {
		return l.named[level].head()
	}
	return l.other.head()
}

func (l *lanes[T]) pop() place {
	l.n--
	level := l.first()
	if level == len(l.named) {
		return l.other.pop()
	}
	l.named[level].pop(&l.pool)
	return place{key: levelKey(Critical - Priority(level))}
}

// first is the index of the named level whose turn it is, or len(l.named) for
// the others.
func (l *lanes[T]) first() int {
	for i := range l.named {
		if l.named[i].n > 0 {
			if l.other.len() > 0 && l.other.first().key < levelKey(Critical-Priority(i)) {
				break
			}
			return i
		}
	}
	return len(l.named)
}

func (l *lanes[T]) restore(p place, v T) {
	l.n++
	if level := Critical - Priority(^p.key); level >= 0 && int(level) < len(l.named) {
		l.named[level].restore(v, &l.pool)
		return
	}
	l.other.restore(p, v)
}
