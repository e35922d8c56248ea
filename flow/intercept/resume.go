package intercept

import (
	"context"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/catalog"
)

// Account is one that pays. It has no print of its key.
type Account struct {
	Service               string // one of HomeNames
	BaseURL               string // zero means the service's
	Organization, Project string // of OpenAI; other services have none
	Key                   func() string
}

// Resume goes on with rows of an account that wait since an earlier process.
// Otherwise they wait until a call brings the key. A dry run lets them wait.
func (i *Interceptor) Resume(ctx context.Context, a Account) error {
	home, known := homeNamed(a.Service)
	if i.cfg.DryRun || !known || a.Key() == "" {
		return nil
	}
	if !i.enter() {
		return ErrClosed
	}
	defer i.jobs.Done()
	versions := []string{""}
	if p, _ := catalog.Find(home.provider); len(p.Versions) > 0 {
		versions = p.Versions
	}
	for _, version := range versions {
		c := &call{key: a.Key, version: version}
		if home.hasOrganizations() {
			c.organization, c.project = a.Organization, a.Project
		}
		c.provider, c.baseURL = home.provider, home.baseURL
		if a.BaseURL != "" {
			c.baseURL = strings.TrimSuffix(a.BaseURL, "/")
		}
		acct, err := i.account(c)
		if err != nil {
			return err
		}
		name, err := acct.jobName()
		if err != nil {
			return err
		}
		if s, err := i.statusOf(name); err != nil || !waits(&s) {
			continue // there is none, or it has nothing to do
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := acct.ensure(); err != nil { //nolint:contextcheck // the job outlives the caller
			return err
		}
	}
	return nil
}

func (i *Interceptor) statusOf(name string) (durable.Status, error) {
	h, err := i.cfg.Dir.Attach(name)
	if err != nil {
		return durable.Status{}, err
	}
	return h.Status()
}

func waits(s *durable.Status) bool { return !s.Ended() && s.Settled() < s.Rows }

// Unclaimed lists the jobs of calls that no process runs and whose rows are not
// settled: they wait until a call brings their key, or Resume does.
func (i *Interceptor) Unclaimed() (jobs []durable.Status, err error) {
	runs, err := i.cfg.Dir.Runs()
	if err != nil {
		return nil, err
	}
	for _, s := range runs {
		if strings.HasPrefix(s.Name, JobPrefix) && s.State == durable.StateStopped && waits(&s) {
			jobs = append(jobs, s)
		}
	}
	return jobs, nil
}

// Service is where a proxy sends calls, and how programs come to it.
type Service struct {
	Name     string
	BaseURL  string
	Variable string   // that SDKs read for the address, "" if they read none
	Keys     []string // the variables that may hold the key
	Path     string   // of the proxy, as the Variable has it
}

// Services returns what a proxy knows, by HomeNames.
func Services() (all []Service) {
	for _, h := range homes {
		all = append(all, Service{h.name, h.baseURL, h.variable, h.keys, "/" + h.name + h.suffix})
	}
	return all
}

// BaseURL returns the base URL of a service from an address in the form in
// which its SDKs take it, as in the Service's Variable.
func BaseURL(service, address string) string {
	h, _ := homeNamed(service)
	return h.base(address)
}
