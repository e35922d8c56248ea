package hashindex

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/segment"
)

// base returns the name of a part's file in its directory. It says which Writes
// are in it: when parts become one, they are in the way of nothing until they
// are removed.
func (x *Index) base(p *part) string { return fmt.Sprintf("%s-%08x-%08x", x.name, p.first, p.last) }

// files lists the files of the index.
func (x *Index) files() (names []string, err error) {
	all, err := fs.ReadDir(x.dir.Root.FS(), jobdir.SeenDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, f := range all {
		if strings.HasPrefix(f.Name(), x.name+"-") {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// find returns the parts that have all Writes, each once, and removes other
// files.
func (x *Index) find() (parts []*part, err error) {
	names, err := x.files()
	if err != nil {
		return nil, err
	}
	var all []*part
	for _, name := range names {
		p := new(part)
		if _, err := fmt.Sscanf(name, x.name+"-%08x-%08x", &p.first, &p.last); err == nil && x.base(p) == name {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *part) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.last, a.last)) })
	next := uint32(0)
	for _, p := range all {
		if p.last < next {
			continue // it has become a part of another
		}
		if p.first != next {
			return nil, fmt.Errorf("%w: a file of %s is missing", segment.ErrDamaged, jobdir.SeenDir)
		}
		if err := x.readHeader(p); err != nil {
			return nil, err
		}
		parts, next = append(parts, p), p.last+1
	}
	return parts, x.removeBut(parts)
}

// removeBut removes the files of the index that belong to none of these parts.
func (x *Index) removeBut(parts []*part) error {
	names, err := x.files()
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(parts, func(p *part) bool { return x.base(p) == name }) {
			continue
		}
		if err := x.dir.Root.Remove(jobdir.SeenDir + "/" + name); err != nil {
			return fmt.Errorf("durable: %w", err)
		}
	}
	return nil
}

func (x *Index) makeDir() error {
	err := atomicfile.Mkdir(x.dir.Root, jobdir.SeenDir)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err == nil:
		err = atomicfile.SyncDir(x.dir.Root, ".")
	}
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

func (x *Index) records(p *part) iter.Seq2[jobdir.Placed, error] {
	name := x.base(p)
	return jobdir.ReadRecords(x.dir.Root, jobdir.SeenDir+"/"+name, x.dir.LabelOf(jobdir.SeenKind, name))
}
