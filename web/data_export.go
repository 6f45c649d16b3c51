package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/session"
	"portico/views/components"
	"portico/views/pages"
)

// exportRoutes give people what is kept about them, whatever else they owe (rules G-2 and T-5, security.md row 42).
func (s *Server) exportRoutes() []route {
	return []route{
		{rights, http.MethodPost, "/account/data/export", s.askExport, false},
		{rights, http.MethodGet, "/account/data/exports/:id", s.download, false},
	}
}

// askExport has a file made.
func (s *Server) askExport(c echo.Context) error {
	ctx := c.Request().Context()
	layer := privacy.Layer(c.Request().PostFormValue("layer"))
	if layer != privacy.MyData && layer != privacy.TechnicalRecords {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	err := s.Exports.Ask(ctx, session.User(ctx), layer)
	switch {
	case errors.Is(err, privacy.ErrExportBusy):
		return s.dataPage(c, http.StatusConflict, i18n.T(ctx, "export.busy"))
	case errors.Is(err, privacy.ErrExportLimit):
		retryAfter(c, privacy.ExportLifetime)
		return s.dataPage(c, http.StatusTooManyRequests, i18n.T(ctx, "export.limit"))
	case err != nil:
		return err
	}
	return s.done(c, "export.asked", "/account/data")
}

// exportPart shows the newest file of each layer. note says why one was not made.
func (s *Server) exportPart(c echo.Context, note string) (pages.ExportPart, error) {
	ctx := c.Request().Context()
	all, err := s.Exports.List(ctx, session.User(ctx))
	if err != nil {
		return pages.ExportPart{}, err
	}
	view := pages.ExportPart{Token: s.token(c), Note: note}
	for _, layer := range []privacy.Layer{privacy.MyData, privacy.TechnicalRecords} {
		key := "export." + string(layer)
		file := pages.ExportFile{
			Layer: string(layer), Title: i18n.T(ctx, key+".title"), Body: i18n.T(ctx, key+".body"), Get: i18n.T(ctx, key+".get"),
			Submit: i18n.T(ctx, key+".submit"),
		}
		for _, e := range all {
			if e.Layer == layer {
				s.fillExport(c, &file, e)
				break
			}
		}
		view.Files, view.Underway = append(view.Files, file), view.Underway || file.Underway
	}
	return view, nil
}

// fillExport says how a file stands.
func (s *Server) fillExport(c echo.Context, file *pages.ExportFile, e privacy.Export) {
	ctx := c.Request().Context()
	switch {
	case e.Underway():
		file.Underway, file.State = true, i18n.T(ctx, "export.wait")
		file.Done, file.Total = strconv.Itoa(e.Done), strconv.Itoa(max(e.Total, 1))
		if e.Total > 0 {
			file.Progress = i18n.T(ctx, "export.progress", "done", e.Done, "total", e.Total)
		}
	case e.Downloadable(s.Now()):
		file.Tone, file.State = components.OK, i18n.T(ctx, "export.ready", "time", i18n.DateTime(ctx, e.ExpiresAt))
		file.Link = "/account/data/exports/" + e.ID
	case e.State == privacy.ExportFailed:
		file.Tone, file.State = components.Danger, i18n.T(ctx, "export.failed")
	default:
		file.State = i18n.T(ctx, "export.expired", "time", i18n.DateTime(ctx, e.ReadyAt))
	}
}

// chunkWait is how long a slow line may take for one chunk of a file.
const chunkWait = time.Minute

// download sends a file. Asking for its headers alone sends, and records, nothing.
func (s *Server) download(c echo.Context) error {
	ctx := c.Request().Context()
	e, err := s.Exports.Find(ctx, session.User(ctx), c.Param("id"))
	if errors.Is(err, privacy.ErrNoExport) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	start := func() error {
		h := c.Response().Header()
		h.Set(echo.HeaderContentType, "application/zip")
		h.Set(echo.HeaderContentLength, strconv.FormatInt(e.Size, 10))
		h.Set(echo.HeaderContentDisposition, `attachment; filename="`+string(e.Layer)+"-"+e.AskedAt.Format("2006-01-02")+`.zip"`)
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	if c.Request().Method == http.MethodHead {
		return start()
	}
	return s.Exports.Download(ctx, e, patient{c.Response(), s}, start)
}

// patient gives each chunk of an answer its time, so that the limit for the whole answer does not cut a large file.
type patient struct {
	*echo.Response
	s *Server
}

func (p patient) Write(content []byte) (int, error) {
	err := http.NewResponseController(p.Response).SetWriteDeadline(p.s.Now().Add(chunkWait))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.Response.Write(content)
}
