package mail

import "crypto/x509"

// Trust makes s believe certificates that roots vouch for.
func (s *SMTP) Trust(roots *x509.CertPool) { s.roots = roots }
