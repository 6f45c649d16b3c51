package profile_test

import (
	"errors"
	"strings"
	"testing"

	"portico/internal/profile"
)

func TestBadJSONSaysWhere(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]profile.BadMetadata{
		"{\n  \"plan\": gold\n}":        {Reason: profile.BadJSON, Line: 2, Column: 11, Near: "gold"},
		"{\r\n  \"é\": \"日本\" x\r\n}":   {Reason: profile.BadJSON, Line: 2, Column: 13, Near: "x"},
		"{\"a\": 1,}":                   {Reason: profile.BadJSON, Line: 1, Column: 9, Near: "}"},
		"{\"a\": 1}\n{}":                {Reason: profile.BadJSON, Line: 2, Column: 1, Near: "{}"},
		"{\"a\":\n \"one\n line\"}":     {Reason: profile.BadJSON, Line: 2, Column: 6, Near: `\n`},
		"{\"a\": {\"b\": [1, 2\n\n":     {Reason: profile.CutJSON, Line: 1, Column: 18},
		"{":                             {Reason: profile.CutJSON, Line: 1, Column: 2},
		"":                              {Reason: profile.NotObject},
		" \n":                           {Reason: profile.NotObject},
		"[]":                            {Reason: profile.NotObject},
		"null":                          {Reason: profile.NotObject},
		"x" + strings.Repeat("ab ", 30): {Reason: profile.BadJSON, Line: 1, Column: 1, Near: "xab ab ab ab ab ab a…"},
		"{\"a\": {\"b.c\": 1}}":         {Reason: profile.BadKey, Path: "a.b.c"},
		"{\"a\": \"\xff\"} rest":        {Reason: profile.BadJSON, Line: 1, Column: 12, Near: "rest"},
	} {
		_, err := profile.ParseMetadata([]byte(content), false)
		if got, _ := errors.AsType[profile.BadMetadata](err); got != want {
			t.Errorf("%q: got %#v, want %#v", content, got, want)
		}
	}
}

func FuzzParseMetadata(f *testing.F) {
	f.Add("{\"a\": 1")
	f.Add("{\n\"a\": tru}")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, content string) {
		_, err := profile.ParseMetadata([]byte(content), true)
		bad, refused := errors.AsType[profile.BadMetadata](err)
		if err != nil && !refused {
			t.Errorf("got %v, want nothing but BadMetadata", err)
		}
		lost := bad.Line < 1 || bad.Line > strings.Count(content, "\n")+1 || bad.Column < 1
		if (bad.Reason == profile.BadJSON || bad.Reason == profile.CutJSON) && lost {
			t.Errorf("got line %d, column %d of %q, want a place in it", bad.Line, bad.Column, content)
		}
	})
}
