package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store"
	"portico/internal/tenant"
	"portico/internal/terms"
)

type demoCommand struct {
	Addr string `default:"127.0.0.1:8080" help:"Address to listen on; it must be of this machine."`
	Dir  string `default:".demo" help:"Folder for the database, the keys and demo.json."`
}

// demoPerson is somebody the demonstration has, as demo.json tells scripts.
type demoPerson struct {
	Email    string   `json:"email"`
	Password string   `json:"password"`
	Roles    []string `json:"roles"`
	name     string
	nickname string
	metadata string
}

var demoPeople = []demoPerson{
	{"ana@example.org", "seven quiet lanterns", []string{}, "Ana Ferreira de Sousa", "Ana", `{"lang":"pt","zoneinfo":"Europe/Lisbon","customer_number":"HB-10482"}`},
	{"ben@example.org", "copper roof in the rain", []string{}, "Ben Okafor", "Ben", `{"customer_number":"HB-20117"}`},
	{"admin@example.org", "keeper of the old keys", []string{profile.RoleAdmin}, "Mara Lindqvist", "Mara", `{}`},
}

const demoProduct = "Harbour Books"

// demoMetadata declares three fields of user_metadata, to show what a company can ask, and what it tells people.
const demoMetadata = `{
  "type": "object",
  "properties": {
    "favourite_genre": {
      "type": "string", "enum": ["novels", "history", "travel", "poetry"],
      "x-label": {"en": "Favourite shelf", "de": "Lieblingsregal", "es": "Estante favorito", "fr": "Rayon préféré", "pt": "Estante preferida", "pl": "Ulubiona półka", "ar": "الرف المفضل", "ja": "好きな棚"},
      "x-values": {
        "en": {"novels": "Novels", "history": "History", "travel": "Travel", "poetry": "Poetry"},
        "de": {"novels": "Romane", "history": "Geschichte", "travel": "Reisen", "poetry": "Lyrik"},
        "es": {"novels": "Novelas", "history": "Historia", "travel": "Viajes", "poetry": "Poesía"},
        "fr": {"novels": "Romans", "history": "Histoire", "travel": "Voyages", "poetry": "Poésie"},
        "pt": {"novels": "Romances", "history": "História", "travel": "Viagens", "poetry": "Poesia"},
        "pl": {"novels": "Powieści", "history": "Historia", "travel": "Podróże", "poetry": "Poezja"},
        "ar": {"novels": "روايات", "history": "تاريخ", "travel": "سفر", "poetry": "شعر"},
        "ja": {"novels": "小説", "history": "歴史", "travel": "旅", "poetry": "詩"}
      }
    },
    "customer_number": {
      "type": "string", "readOnly": true,
      "x-label": {"en": "Customer number", "de": "Kundennummer", "es": "Número de cliente", "fr": "Numéro client", "pt": "Número de cliente", "pl": "Numer klienta", "ar": "رقم العميل", "ja": "お客様番号"}
    },
    "gift_wrap": {
      "type": "boolean",
      "x-label": {"en": "Wrap my orders as gifts", "de": "Bestellungen als Geschenk verpacken", "es": "Envolver mis pedidos para regalo", "fr": "Emballer mes commandes en cadeau", "pt": "Embrulhar as minhas encomendas para oferta", "pl": "Pakuj moje zamówienia na prezent", "ar": "تغليف طلباتي كهدايا", "ja": "注文をギフト包装にする"}
    }
  }
}`

// Run serves the demonstration: its data, and letters that can be read in the browser, exist in this mode alone.
func (c *demoCommand) Run(ctx context.Context, log *slog.Logger) error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("the demonstration shows everybody's letters, so it listens on this machine only, such as 127.0.0.1:8080")
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	ring, err := demoKeys(filepath.Join(c.Dir, "keys"))
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken, perhaps by a demonstration that runs already; choose another address with --addr", c.Addr)
	}
	if err != nil {
		return err
	}
	db, err := openMigrated(ctx, "sqlite:"+filepath.Join(c.Dir, "portico.db"))
	if err != nil {
		return fmt.Errorf("%w\nthe database of the demonstration cannot be used; remove the folder %s to begin anew", errors.Join(err, listener.Close()), c.Dir)
	}
	defer func() { _ = db.Close() }()
	base := "http://" + listener.Addr().String()
	mailbox := &mail.Mailbox{}
	p := build(parts{db: db, ring: ring, origin: base, sender: mailbox, mailbox: mailbox, log: log, now: now, erased: erasedList(filepath.Join(c.Dir, "erased"))})
	if err := demoData(ctx, db, p.config.Terms, base); err != nil {
		return err
	}
	if err := p.withDemoID(ctx, base); err != nil {
		return err
	}
	if err := c.announce(base); err != nil {
		return err
	}
	return p.serve(ctx, listener)
}

// announce says where the demonstration is and who can sign in, to people and, in demo.json, to scripts.
func (c *demoCommand) announce(base string) error {
	content, err := json.MarshalIndent(map[string]any{"base_url": base, "people": demoPeople}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "demo.json"), content, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\nHarbour Books, a demonstration of Portico, is at %s\nLetters are at %s/dev/mailbox\n\n", base, base)
	for _, p := range demoPeople {
		fmt.Fprintf(os.Stderr, "  %-20s %s\n", p.Email, p.Password)
	}
	fmt.Fprint(os.Stderr, "\nOr sign in with Demo ID, an identity provider of the demonstration, and choose who you are.\n\n")
	return nil
}

// demoKeys reads the keys of the demonstration, and makes them at its first start.
func demoKeys(path string) (keys.Ring, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the path is the folder the user named
	if errors.Is(err, os.ErrNotExist) {
		content = []byte(base64.StdEncoding.EncodeToString(keys.Generate()))
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		return keys.Ring{}, err
	}
	return keys.Parse(string(content))
}

// demoData fills an empty database.
func demoData(ctx context.Context, db *store.DB, documents *terms.Service, base string) error {
	t := tenant.Tenant{ID: tenant.Default, Origin: base, Settings: tenant.Settings{
		Product: demoProduct, SupportEmail: "help@harbour-books.example", Metadata: json.RawMessage(demoMetadata),
		Locales: []string{"en", "de", "es", "fr", "pt", "pl", "ar", "ja"}, Withdrawal: true,
	}}
	if err := db.AddTenant(ctx, t, nil); err != nil {
		if errors.Is(err, tenant.ErrTaken) {
			return nil // filled at an earlier start
		}
		return err
	}
	t.Settings = t.WithDefaults()
	var people []profile.Profile
	for _, p := range demoPeople {
		var metadata profile.Metadata
		if err := json.Unmarshal([]byte(p.metadata), &metadata); err != nil {
			return err
		}
		one := person{email: p.Email, name: p.name, nickname: p.nickname, password: p.Password, metadata: metadata}
		if len(p.Roles) > 0 {
			one.role = p.Roles[0]
		}
		if err := addPerson(ctx, db, t, one); err != nil {
			return err
		}
		added, err := db.FindByEmail(ctx, t.ID, p.Email)
		if err != nil {
			return err
		}
		people = append(people, added)
	}
	return demoTerms(tenant.With(ctx, t), documents, people)
}
