package privacy

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
)

// chunkSize is how much of a file is sealed at once, in bytes: it bounds what a file of any length takes of memory.
const chunkSize = 256 << 10

// exportPurpose is what chunks are sealed for.
const exportPurpose = "export"

// chunkHeader binds a chunk to its file and its place, so that none can stand in for another.
func chunkHeader(e Export, number int) []byte {
	return binary.BigEndian.AppendUint32([]byte(e.ID), uint32(number))
}

// chunkWriter seals what is written to it, chunk by chunk.
type chunkWriter struct {
	ctx  context.Context //nolint:containedctx // lives as long as the making of one file
	s    *Exports
	e    *Export
	open []byte
}

// Write implements io.Writer.
func (w *chunkWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), chunkSize-len(w.open))
		w.open, rest = append(w.open, rest[:n]...), rest[n:]
		if len(w.open) == chunkSize {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

func (w *chunkWriter) flush() error {
	if len(w.open) == 0 {
		return nil
	}
	sealed := w.s.Ring.Seal(exportPurpose, append(chunkHeader(*w.e, w.e.Chunks), w.open...))
	if err := w.s.Store.AddChunk(w.ctx, *w.e, w.e.Chunks, sealed, w.s.Now()); err != nil {
		return err
	}
	w.e.Chunks++
	w.e.Size += int64(len(w.open))
	w.open = w.open[:0]
	return w.s.Store.KeepExport(w.ctx, *w.e, exportClaim)
}

// chunk returns the content of one chunk of a file.
func (s *Exports) chunk(ctx context.Context, e Export, number int) ([]byte, error) {
	sealed, err := s.Store.Chunk(ctx, e, number)
	if err != nil {
		return nil, err
	}
	plain, err := s.Ring.Open(exportPurpose, sealed)
	if err != nil {
		return nil, err
	}
	header := chunkHeader(e, number)
	if len(plain) < len(header) || string(plain[:len(header)]) != string(header) {
		return nil, errors.New("a chunk is not the one of this file")
	}
	return plain[len(header):], nil
}

// Find returns a file of u that can be had, or ErrNoExport: somebody else's, one that is not ready, and one that expired are
// the same as none.
func (s *Exports) Find(ctx context.Context, u tenant.User, id string) (Export, error) {
	all, err := s.Store.Exports(ctx, u)
	if err != nil {
		return Export{}, err
	}
	for _, e := range all {
		if e.ID == id && e.Downloadable(s.Now()) {
			return e, nil
		}
	}
	return Export{}, ErrNoExport
}

// Download writes a file that Find has found, and records that it was. start is called once the first part of it is there,
// before anything is written.
func (s *Exports) Download(ctx context.Context, e Export, w io.Writer, start func() error) error {
	for number := range e.Chunks {
		content, err := s.chunk(ctx, e, number)
		if err != nil {
			return err
		}
		if number == 0 {
			event := audit.Event{Type: audit.ExportDownloaded, User: e.User, Fields: []string{string(e.Layer)}}
			if err := errors.Join(s.Audit.Record(ctx, event), start()); err != nil {
				return err
			}
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return nil
}

// archive is the file while it is written. Every part is hashed on its way.
type archive struct {
	zip   *zip.Writer
	at    time.Time
	files map[string]fileFacts
}

// fileFacts are what the manifest says of a part.
type fileFacts struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func newArchive(w io.Writer, at time.Time) *archive {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	return &archive{z, at.UTC(), map[string]fileFacts{}}
}

type hashing struct {
	io.Writer
	sum  hash.Hash
	size int64
}

func (h *hashing) Write(p []byte) (int, error) {
	n, err := h.Writer.Write(p)
	h.sum.Write(p[:n])
	h.size += int64(n)
	return n, err
}

// add writes a part. What it is called is chosen by us, or made safe with safeName.
func (a *archive) add(name string, write func(w io.Writer) error) error {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.at})
	if err != nil {
		return err
	}
	h := &hashing{Writer: w, sum: sha256.New()}
	if err := write(h); err != nil {
		return err
	}
	a.files[name] = fileFacts{hex.EncodeToString(h.sum.Sum(nil)), h.size}
	return nil
}

func (a *archive) addText(name, text string) error {
	return a.add(name, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
}

func (a *archive) addJSON(name string, value any) error {
	return a.add(name, func(w io.Writer) error {
		encoder := plainJSON(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	})
}

// plainJSON writes JSON that is no page: a sign of markup counts as the one it is.
func plainJSON(w io.Writer) *json.Encoder {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder
}
