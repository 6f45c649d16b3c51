package web

import "portico/internal/mail"

// RouteLines is the route map as the golden file has it: gate, method, path; the demonstration's routes included.
func RouteLines() []string {
	s := &Server{Config: Config{Mailbox: &mail.Mailbox{}}}
	lines := make([]string, 0, 200)
	for _, r := range s.routeMap() {
		lines = append(lines, string(r.gate)+" "+r.method+" "+r.path)
	}
	return lines
}
