package queue

// lanes is the order of Strict for priorities when nothing has to be found
// again: the four named levels are plain queues, O(1), and all other
// priorities share a heap.
type lanes[T any] struct {
	of    func(T) Priority
	named [Critical - Low + 1]fifo[T] // the most urgent first
	other heaped[T]
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
	l.named[Critical-p].push(v)
	return place{key: levelKey(p)}
}

func (l *lanes[T]) pop() (place, T) {
	l.n--
	level := l.first()
	key := levelKey(Critical - Priority(level))
	if l.other.len() > 0 && (level == len(l.named) || l.other.heap.first().key < key) {
		return l.other.pop()
	}
	return place{key: key}, l.named[level].pop()
}

// first is the index of the most urgent named level that has items.
func (l *lanes[T]) first() int {
	for i := range l.named {
		if l.named[i].n > 0 {
			return i
		}
	}
	return len(l.named)
}

func (l *lanes[T]) restore(p place, v T) {
	l.n++
	if level := Critical - Priority(^p.key); level >= 0 && int(level) < len(l.named) {
		l.named[level].restore(v)
		return
	}
	l.other.restore(p, v)
}
