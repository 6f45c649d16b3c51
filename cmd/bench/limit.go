package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	_ "github.com/go-sql-driver/mysql"
	"github.com/labstack/echo/v4"
	_ "modernc.org/sqlite"

	"portico/internal/i18n"
	"portico/internal/password"
	"portico/views/components"
	"portico/views/layouts"
	"portico/views/pages"
)

// limit is the bare server: the same parts as Portico, and nothing between them. It prints its address and serves until
// it is told to stop.
func limit(arguments []string) error {
	flags := flag.NewFlagSet("limit", flag.ContinueOnError)
	address, addr := flags.String("database", "", "database"), flags.String("addr", "", "address to listen on")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	db, err := openBare(*address)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	if err := bare(e, db); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { <-ctx.Done(); _ = e.Close() }()
	if err := e.Start(*addr); err != nil && err != http.ErrServerClosed { //nolint:errorlint // the one value that says so
		return err
	}
	return nil
}

// openBare opens the database without anything of ours, with the same number of connections.
func openBare(address string) (*sql.DB, error) {
	driver, dsn := "sqlite", "file:"+strings.TrimPrefix(address, "sqlite:")+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_time_format=sqlite"
	if strings.HasPrefix(address, "mysql://") {
		u, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		secret, _ := u.User.Password()
		network, host := "tcp", u.Host
		if socket := u.Query().Get("socket"); socket != "" {
			network, host = "unix", socket
		}
		driver = "mysql"
		dsn = fmt.Sprintf("%s:%s@%s(%s)/%s", u.User.Username(), secret, network, host, strings.Trim(u.Path, "/"))
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	return db, nil
}

// bare registers what the scenarios are compared with.
func bare(e *echo.Echo, db *sql.DB) error {
	find, err := db.PrepareContext(context.Background(), "SELECT name, nickname, email, user_metadata FROM users WHERE tenant_id = ? AND user_id = ?")
	if err != nil {
		return err
	}
	save, err := db.PrepareContext(context.Background(), "UPDATE users SET nickname = ?, version = version + 1 WHERE tenant_id = ? AND user_id = ?")
	if err != nil {
		return err
	}
	hasher, view := password.NewHasher(), barePage()
	hash, err := hasher.Hash(context.Background(), secret)
	if err != nil {
		return err
	}
	page := func(c echo.Context) error {
		var b bytes.Buffer
		if err := pages.Profile(view).Render(i18n.With(c.Request().Context(), "en", nil), &b); err != nil {
			return err
		}
		return c.HTMLBlob(http.StatusOK, b.Bytes())
	}
	e.GET("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	e.GET("/page", page)
	e.GET("/select", func(c echo.Context) error {
		var name, nickname, address, metadata string
		row := find.QueryRowContext(c.Request().Context(), c.QueryParam("tenant"), c.QueryParam("user"))
		if err := row.Scan(&name, &nickname, &address, &metadata); err != nil {
			return err
		}
		return page(c)
	})
	e.POST("/update", func(c echo.Context) error {
		form := c.Request()
		_, err := save.ExecContext(form.Context(), form.PostFormValue("nickname"), form.PostFormValue("tenant"), form.PostFormValue("user"))
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/select")
	})
	e.POST("/hash", func(c echo.Context) error {
		ok, _, err := hasher.Verify(c.Request().Context(), hash, c.Request().PostFormValue("password"))
		if err != nil || !ok {
			return echo.NewHTTPError(http.StatusUnprocessableEntity)
		}
		return c.Redirect(http.StatusSeeOther, "/select")
	})
	return nil
}

// barePage is the profile page with a fixed content: what Portico shows somebody who was seeded.
func barePage() pages.ProfilePage {
	english, _ := i18n.Find("en")
	field := func(name, label, value string) []components.FieldModel {
		return []components.FieldModel{{Name: name, Label: label, Value: value, Optional: true}}
	}
	choice := func(name, label string) components.SelectModel {
		m := components.SelectModel{Name: name, Label: label, Options: []components.Option{{Text: "Automatic", Selected: true}}}
		m.Options = append(m.Options, components.Option{Value: "en", Text: "English", Lang: "en"})
		return m
	}
	p := person(0)
	return pages.ProfilePage{
		Page: layouts.Page{
			Title: "Personal info", Product: "Bench", Language: english, Path: "/account/profile", Initials: "PN", Token: strings.Repeat("t", 43),
			Nav: []layouts.NavItem{
				{Label: "Overview", URL: "/account"},
				{Label: "Personal info", URL: "/account/profile", Current: true},
				{Label: "Sign-in and security", URL: "/account/security"},
				{Label: "Your agreements", URL: "/account/terms"},
				{Label: "Your data", URL: "/account/data"},
			},
		},
		Token: strings.Repeat("t", 43), Version: "1", Initials: "PN", Email: p.Email, Verified: true,
		Name: field("name", "Full name", p.Name), Nickname: field("nickname", "Nickname", p.Nickname),
		Names: append(field("given_name", "Given name", ""), field("family_name", "Family name", "")...),
		Phone: field("phone_number", "Phone", ""), Zone: field("zoneinfo", "Time zone", ""), Edited: "Last changed on 1 January 2026",
		Languages: []components.SelectModel{choice("page_lang", "On this site"), choice("lang", "In emails")},
		Preview:   pages.LetterPreview{URL: "/account/letter", Language: "English", Lang: "en", Reason: "Because you chose it."},
	}
}
