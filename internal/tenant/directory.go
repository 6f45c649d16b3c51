package tenant

import (
	"context"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Store is what this package needs of persistence.
type Store interface {
	Tenants(ctx context.Context) (tenants []Tenant, hosts map[string]ID, err error)
}

// refresh is how long the directory may be out of date after another replica added a tenant.
const refresh = 5 * time.Second

// Directory knows which tenant a host belongs to. It is kept in memory, so that a request asks no database for it,
// and still answers from memory while the database does not.
type Directory struct {
	store  Store
	origin string
	now    func() time.Time

	mu      sync.Mutex
	readAt  time.Time
	tenants map[ID]Tenant
	hosts   map[string]ID
}

// NewDirectory returns the directory of the tenants in store. origin is the configured base address, such as
// "https://account.example.org"; its host belongs to the default tenant, and the other tenants use its scheme and port.
func NewDirectory(store Store, origin string, now func() time.Time) *Directory {
	return &Directory{store: store, origin: origin, now: now}
}

// ByHost returns the tenant that answers to host, which may carry a port, or ErrUnknown. While no host is
// registered there is only the default tenant, and it answers to every host.
func (d *Directory) ByHost(ctx context.Context, host string) (Tenant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.read(ctx); err != nil {
		return Tenant{}, err
	}
	if id, ok := d.hosts[bare(host)]; ok {
		return d.tenants[id], nil
	}
	if len(d.hosts) == 0 || bare(host) == d.ownHost() {
		return d.tenants[Default], nil
	}
	return Tenant{}, ErrUnknown
}

// ByID returns the tenant with this id, or ErrUnknown.
func (d *Directory) ByID(ctx context.Context, id ID) (Tenant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.read(ctx); err != nil {
		return Tenant{}, err
	}
	if t, ok := d.tenants[id]; ok {
		return t, nil
	}
	return Tenant{}, ErrUnknown
}

// IDs lists the tenants, sorted.
func (d *Directory) IDs(ctx context.Context) ([]ID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.read(ctx); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(d.tenants)), nil
}

// Forget makes the next question read the tenants anew, after one was changed here.
func (d *Directory) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readAt = time.Time{}
}

func (d *Directory) read(ctx context.Context) error {
	if d.tenants != nil && d.now().Sub(d.readAt) < refresh {
		return nil
	}
	all, hosts, err := d.store.Tenants(ctx)
	if err != nil && d.tenants != nil {
		return nil // what was read last still holds
	}
	if err != nil {
		return err
	}
	tenants := map[ID]Tenant{Default: {ID: Default, Origin: d.origin, Settings: Settings{}.WithDefaults()}}
	for _, t := range all {
		t.Settings, t.Origin = t.Settings.WithDefaults(), d.origin
		tenants[t.ID] = t
	}
	for host, id := range hosts {
		if t, ok := tenants[id]; ok && id != Default {
			t.Origin = d.originOf(host)
			tenants[id] = t
		}
	}
	d.tenants, d.hosts, d.readAt = tenants, hosts, d.now()
	return nil
}

func (d *Directory) ownHost() string {
	u, err := url.Parse(d.origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func (d *Directory) originOf(host string) string {
	u, err := url.Parse(d.origin)
	if err != nil {
		return "https://" + host
	}
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	return u.Scheme + "://" + host
}

func bare(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
